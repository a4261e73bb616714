// The explain page: everything is drawn by the script from one JSON object, so
// that the chip can be switched without loading anything.
#include "runtime/explain/report_page_assets.h"

namespace aneref::explain {

const std::string_view kPageStyle = R"css(
main{max-width:1440px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:14px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:22px;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
.stack{display:flex;height:10px;border-radius:5px;overflow:hidden;background:var(--notebg);margin:4px 0 2px}
.stack i{display:block}.stack .ane{background:var(--good)}.stack .folded{background:var(--soft);opacity:.55}
.stack .cpu{background:var(--bad)}
.advice{display:grid;gap:10px}
.advice article{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--soft);border-radius:10px;
padding:10px 16px}
.advice article.reject{border-left-color:var(--bad)}.advice article.fallback{border-left-color:var(--warn)}
.advice h3{font-size:14.5px;margin:0;display:flex;gap:8px;flex-wrap:wrap;align-items:baseline}
.advice p{margin:4px 0;max-width:none;font-size:14px}.advice .do{font-weight:600}
.advice button{padding:1px 9px;font-size:12.5px;border-radius:999px;font-family:ui-monospace,Menlo,Consolas,monospace}
.node.ane rect,i.ane{fill:var(--goodbg);background:var(--goodbg);stroke:var(--good);border-color:var(--good)!important}
.node.folded rect,i.folded{fill:var(--notebg);background:var(--notebg);stroke:var(--soft);stroke-dasharray:4 3;
border-color:var(--soft)!important}
.node.cpu rect,i.cpu{fill:var(--badbg);background:var(--badbg);stroke:var(--bad);border-color:var(--bad)!important}
.node .flag{fill:var(--warn)}.edge.cross{stroke:var(--bad);stroke-opacity:1;stroke-width:2.2}
#ops td,#chips td{white-space:nowrap}#ops td.text{white-space:normal;min-width:210px}
#ops td.name{max-width:300px;overflow:hidden;text-overflow:ellipsis}
#ops tr,#chips tbody tr{cursor:pointer}#ops tr.picked td,#chips tr.picked td{background:var(--notebg)}
.tall{max-height:560px;overflow:auto}.more{color:var(--soft);font-size:13px;padding:8px 12px}
#pictures svg{display:block;width:100%;max-width:1080px;height:auto;margin:0 0 14px}
)css";

const std::string_view kPageBody = R"html(
<p class="soft" id="about"></p>
<div class="bar" id="picker" role="group" aria-label="chip"></div>
<section class="tiles" id="tiles"></section>
<section id="compare" hidden><h2>All chips</h2>
<div class="scroll"><table id="chips"><thead></thead><tbody></tbody></table></div></section>
<section><h2>Top things to change</h2><div class="advice" id="advice"></div></section>
<section><h2>The network</h2>
<div class="bar"><input type="search" id="find" placeholder="find an op by name, kind or rule" aria-label="find">
<label for="paint">colour by</label><select id="paint"><option value="rules">compiler accepts</option>
<option value="segmenter">segmenter places</option></select>
<span class="soft" id="found"></span></div>
<div id="graph"></div></section>
<section id="plan"><h2>Plan</h2><p class="soft">Roofline, on-chip memory and arena as the plan of this chip has them; points and boxes tell
their task or tensor when pointed at.</p><div id="pictures"></div></section>
<section><h2>All ops</h2><div class="bar"><input type="search" id="filter" placeholder="filter" aria-label="filter ops">
<select id="where" aria-label="placement"><option value="">everywhere</option><option value="ane">on the engine</option>
<option value="folded">folded</option><option value="cpu">on the CPU</option></select><span class="soft" id="shown"></span></div>
<div class="scroll tall"><table id="ops"><thead></thead><tbody></tbody></table></div></section>
)html";

const std::string_view kPageScript = R"js(
const WHERE = ['ane', 'folded', 'cpu'], WORD = {ane: 'engine', folded: 'folded', cpu: 'CPU'};
const BADGE = {ane: 'good', folded: 'note', cpu: 'bad'};
const us = value => value >= 1000 ? (value / 1000).toFixed(2) + ' ms' : value.toFixed(value < 10 ? 2 : 1) + ' µs';
const bytes = value => value >= 1e6 ? (value / 1e6).toFixed(2) + ' MB' : value >= 1e3 ? (value / 1e3).toFixed(1) + ' kB' : value + ' B';
const KIND = {reject: 'bad', fallback: 'warn', warn: 'note'};
let chip = 0, picked = -1, paint = 'rules';

// Fields of one op on one chip.
const F = {where: 0, task: 1, us: 2, passes: 3, cores: 4, tiles: 5, bytes: 6, backend: 7, host: 8, reasons: 9, bound: 10, grid: 11};
const state = (op, c = chip) => DATA.chips[c].ops[op];
const whereOf = (op, c = chip) => {
  const s = state(op, c);
  if (paint === 'segmenter' && s[F.backend] !== '') return s[F.backend] === 'ane' ? (s[F.where] === 1 ? 'folded' : 'ane') : 'cpu';
  return WHERE[s[F.where]];
};
const reasonsOf = (op, c = chip) => state(op, c)[F.reasons].map(i => DATA.reasons[i]);

function tiles() {
  const c = DATA.chips[chip], s = c.sum, total = s.ane + s.folded + s.cpu;
  const stack = el('div', {class: 'stack'});
  for (const key of WHERE) stack.append(el('i', {class: key, style: 'width:' + 100 * s[key] / Math.max(total, 1) + '%'}));
  const tile = (big, small, extra) => el('div', {class: 'tile'}, el('b', {}, String(big)), ...(extra ? [extra] : []), el('span', {}, small));
  byId('tiles').replaceChildren(
    tile(s.ane + s.folded + ' of ' + total, 'ops accepted by the engine\'s compiler', stack),
    tile(s.cpu, 'ops on the CPU'),
    tile(s.crossings, 'crossings, ' + bytes(s.moved) + ' moved'),
    tile(c.us === null ? '–' : us(c.us), c.us === null ? c.problem : 'predicted, bound: ' + c.bound),
    tile(s.placed + ' of ' + s.live, 'ops the segmenter places on the engine: ' + s.segms.toFixed(3) + ' ms, without ' + s.hostms.toFixed(3)));
}

function picker() {
  const bar = byId('picker');
  bar.replaceChildren();
  if (DATA.chips.length > 8) {
    const list = el('select', {id: 'chip', 'aria-label': 'chip', onchange: () => pickChip(+list.value)});
    DATA.chips.forEach((c, i) => list.append(el('option', {value: i}, c.label)));
    list.value = chip;
    bar.append('chip ', list);
    return;
  }
  DATA.chips.forEach((c, i) => bar.append(el('button', {'aria-pressed': i === chip, 'data-chip': i, onclick: () => pickChip(i)}, c.label)));
}

function compare() {
  if (DATA.chips.length < 2) return;
  byId('compare').hidden = false;
  const head = el('tr');
  for (const [text, kind] of [['chip', ''], ['engine', 'num'], ['folded', 'num'], ['CPU', 'num'], ['segments', 'num'], ['crossings', 'num'],
    ['moved', 'num'], ['predicted', 'num'], ['placed', 'num'], ['stays on the CPU', '']]) head.append(el('th', {class: kind}, text));
  byId('chips').tHead.replaceChildren(head);
  byId('chips').tBodies[0].replaceChildren(...DATA.chips.map((c, i) => {
    const kinds = new Map();
    c.ops.forEach((o, k) => { if (o[F.where] === 2) kinds.set(DATA.ops[k][1], (kinds.get(DATA.ops[k][1]) || 0) + 1); });
    const text = [...kinds].map(([k, n]) => n > 1 ? k + ' ×' + n : k).join(', ');
    const cell = (value, key) => el('td', {class: 'num', 'data-v': key ?? value}, String(value));
    return el('tr', {'data-chip': i, onclick: () => pickChip(i)}, el('td', {}, c.label + ' ', el('span', {class: 'soft'}, c.arch)), cell(c.sum.ane),
      cell(c.sum.folded), cell(c.sum.cpu), cell(c.sum.segments), cell(c.sum.crossings), cell(bytes(c.sum.moved), c.sum.moved),
      cell(c.us === null ? '–' : us(c.us), c.us ?? -1), cell(c.sum.placed), el('td', {}, text || '–'));
  }));
}

function advice() {
  const c = DATA.chips[chip], list = [];
  for (const index of c.net) {
    const r = DATA.reasons[index];
    list.push(el('article', {class: r.sev}, el('h3', {}, badge(KIND[r.sev], r.rule), 'the network: ' + r.text),
      ...(r.fix ? [el('p', {class: 'do'}, r.fix)] : []), el('p', {class: 'soft'}, r.prov)));
  }
  const cards = c.advice.map(a => {
    const r = DATA.reasons[a.r];
    const names = a.ops.slice(0, 6).map(op => el('button', {onclick: () => pick(op, true)}, DATA.ops[op][0]));
    if (a.ops.length > 6) names.push(el('span', {class: 'soft'}, ' and ' + (a.ops.length - 6) + ' more'));
    return el('article', {class: r.sev},
      el('h3', {}, badge(KIND[r.sev], r.rule), a.ops.length + ' × ' + DATA.ops[a.ops[0]][1], ...(a.saved > 0 ? [badge('good', 'saves ' + a.saved + (a.saved === 1 ? ' crossing' : ' crossings'))] : [])),
      el('p', {}, r.text + (r.actual ? ' — is ' + r.actual : '') + (r.allowed ? ', allowed ' + r.allowed : '')),
      ...(r.fix ? [el('p', {class: 'do'}, r.fix)] : []), el('p', {class: 'soft'}, r.prov + ', decided by ' + r.layer),
      el('div', {class: 'bar', style: 'margin:4px 0 2px;gap:5px'}, ...names));
  });
  const all = cards.filter((_, i) => DATA.reasons[c.advice[i].r].sev === 'reject').concat(list, cards.filter((_, i) => DATA.reasons[c.advice[i].r].sev !== 'reject'));
  const first = 5, box = byId('advice');
  box.replaceChildren(...all.slice(0, first));
  if (all.length > first) {
    const more = el('button', {onclick: () => { more.remove(); box.append(...all.slice(first)); }}, 'show ' + (all.length - first) + ' more');
    box.append(more);
  }
  if (all.length === 0) box.append(el('p', {class: 'soft'}, 'Nothing: every op is native on this chip.'));
}

const legend = el('div', {class: 'legend'}, ...[['ane', 'engine'], ['folded', 'folded'], ['cpu', 'CPU']].map(([kind, word]) =>
  el('span', {}, el('i', {class: kind}), word)));
const view = graphView(byId('graph'), DATA.graph, legend, i => {
  const op = DATA.node_op[i];
  if (op < 0) return {title: DATA.ports[-1 - op][0], sub: DATA.ports[-1 - op][1], port: true};
  return {title: DATA.ops[op][1], sub: DATA.ops[op][3], tip: DATA.ops[op][0]};
}, i => { if (DATA.node_op[i] >= 0) pick(DATA.node_op[i], false); });
const nodeOf = new Map(DATA.node_op.map((op, i) => [op, i]));

function colour() {
  view.colour(i => {
    const op = DATA.node_op[i];
    return op < 0 ? 'port' : whereOf(op) + (op === picked ? ' picked' : '');
  }, (from, to) => {
    const a = DATA.node_op[from], b = DATA.node_op[to];
    return a >= 0 && b >= 0 && (whereOf(a) === 'cpu') !== (whereOf(b) === 'cpu') ? 'cross' : '';
  });
  view.nodes.forEach((node, i) => {
    const op = DATA.node_op[i];
    node.querySelector('.flag')?.remove();
    if (op >= 0 && whereOf(op) !== 'cpu' && reasonsOf(op).length > 0) node.append(svgEl('circle', {class: 'flag', cx: view.right, cy: 11, r: 3.5}));
  });
}
const show = op => { if (nodeOf.has(op)) view.show(nodeOf.get(op)); };

// Rows and columns with tiles and patches on the left; on the right a cell per pass and core with its channels.
function tilePicture(g) {
  if (!g.length) return [];
  const [rows, cols, tileRows, patchCols, channels, perCore, cores] = g, hue = i => 'hsl(' + (i * 137.508) % 360 + ',55%,58%)';
  const passes = Math.ceil(channels / (perCore * cores)), tiles = Math.ceil(rows / tileRows), patches = Math.ceil(cols / patchCols);
  const pic = svgEl('svg', {viewBox: '0 0 300 150', role: 'img', 'aria-label': 'work units', style: 'width:100%;margin-top:8px'});
  const cell = (x, y, w, h, fill, tip) => {
    const node = svgEl('rect', {x, y, width: Math.max(w - .5, .5), height: Math.max(h - .5, .5), fill});
    node.append(svgEl('title', {}, tip)); pic.append(node);
  };
  const scale = 130 / Math.max(rows, cols, 1), shownTiles = Math.min(tiles, 64), shownPasses = Math.min(passes, 48);
  for (let t = 0; t < shownTiles; ++t) for (let p = 0; p < patches; ++p) {
    const r = t * tileRows, c = p * patchCols, h = Math.min(tileRows, rows - r), w = Math.min(patchCols, cols - c);
    cell(c * scale, r * scale, w * scale, h * scale, hue(t * patches + p), 'rows ' + r + ' to ' + (r + h - 1) + ', columns ' + c + ' to ' + (c + w - 1));
  }
  for (let p = 0; p < shownPasses; ++p) for (let k = 0; k < cores; ++k) {
    const list = [];
    for (let c = p * perCore * cores + k; c < Math.min(channels, (p + 1) * perCore * cores); c += cores) list.push(c);
    if (list.length) cell(150 + k * 150 / cores, p * 130 / shownPasses, 150 / cores, 130 / shownPasses, hue(k), 'pass ' + p + ', core ' + k + ': channels ' + list.join(', '));
  }
  const word = (x, text) => pic.append(svgEl('text', {x, y: 146, 'font-size': 9, fill: 'currentColor'}, text));
  word(0, rows + ' x ' + cols + ' in ' + tiles * patches + ' tiles of ' + Math.min(tileRows, rows) + ' x ' + Math.min(patchCols, cols));
  word(150, channels + ' channels, ' + passes + ' passes of ' + cores + ' x ' + perCore);
  return [pic];
}

function pictures() {
  const pics = DATA.chips[chip].pics;
  byId('plan').hidden = !pics.length;
  byId('pictures').innerHTML = pics.join('');
}

function panel() {
  const box = view.panel;
  if (picked < 0) {
    box.replaceChildren(el('h3', {}, 'No op chosen'), el('p', {class: 'soft'}, 'Click an op in the graph or in the table: its shape, why it runs where it runs, tiles and time.'));
    return;
  }
  const [name, kind, row, shape] = DATA.ops[picked], s = state(picked), where = WHERE[s[F.where]], list = el('dl');
  const add = (key, value) => { if (value !== '' && value !== 0 && value !== null) list.append(el('dt', {}, key), el('dd', {}, String(value))); };
  add('output', shape); add('as', row === kind ? '' : row); add('folded into', s[F.host]); add('segmenter', s[F.backend]);
  add('task', s[F.task] < 0 ? '' : '#' + s[F.task]);
  if (where === 'ane') { add('predicted', us(s[F.us])); add('bound', s[F.bound]); }
  add('passes', s[F.passes]); add('cores', s[F.cores]); add('tiles', s[F.tiles]); add('working set', s[F.bytes] ? bytes(s[F.bytes]) : '');
  const why = reasonsOf(picked).map(r => el('div', {class: 'why'}, el('p', {}, badge(KIND[r.sev], r.rule), ' ', r.text),
    ...(r.actual ? [el('p', {}, 'is ', el('b', {}, r.actual), ...(r.allowed ? [', allowed ' + r.allowed] : []))] : []),
    ...(r.fix ? [el('p', {}, 'Change: ', r.fix)] : []), el('p', {class: 'soft'}, r.prov + ', decided by ' + r.layer)));
  const sides = DATA.chips.length < 2 ? [] : [el('div', {class: 'why'}, ...DATA.chips.slice(0, 40).map((c, i) =>
    el('span', {style: 'display:inline-block;margin:2px 8px 2px 0'}, c.label + ' ', badge(BADGE[WHERE[state(picked, i)[F.where]]], WORD[WHERE[state(picked, i)[F.where]]]))))];
  box.replaceChildren(el('h3', {}, name || kind), badge(BADGE[where], WORD[where]), ' ', el('code', {}, kind), list, ...(where === 'ane' ? tilePicture(s[F.grid]) : []), ...why, ...sides);
}

function pick(op, centreIt) {
  picked = op;
  colour(); panel();
  for (const row of byId('ops').tBodies[0].rows) row.classList.toggle('picked', +row.dataset.op === op);
  if (centreIt) { show(op); view.board.scrollIntoView({block: 'center', behavior: 'instant'}); }
}

function table() {
  const head = el('tr'), several = DATA.chips.length > 1 && DATA.chips.length <= 6;
  const columns = several ? DATA.chips.map((c, i) => i) : [chip];
  for (const [text, kind] of [['#', 'num'], ['op', ''], ['name', ''], ['output', '']]) head.append(el('th', {class: kind}, text));
  for (const c of columns) head.append(el('th', {}, DATA.chips[c].label));
  for (const [text, kind] of [['predicted', 'num'], ['passes', 'num'], ['cores', 'num'], ['tiles', 'num'], ['working set', 'num'], ['reasons', '']]) head.append(el('th', {class: kind}, text));
  byId('ops').tHead.replaceChildren(head);
  const num = (value, text) => el('td', {class: 'num', 'data-v': value || -1}, value ? text ?? String(value) : '–');
  byId('ops').tBodies[0].replaceChildren(...DATA.ops.map(([name, kind, , shape], op) => {
    const s = state(op);
    const row = el('tr', {'data-op': op, onclick: () => pick(op, true)}, el('td', {class: 'num'}, String(op)), el('td', {}, kind),
      el('td', {class: 'name', title: name}, name), el('td', {class: 'soft'}, shape));
    for (const c of columns) {
      const w = WHERE[state(op, c)[F.where]];
      row.append(el('td', {'data-v': w}, badge(BADGE[w], WORD[w])));
    }
    row.append(num(s[F.us], us(s[F.us])), num(s[F.passes]), num(s[F.cores]), num(s[F.tiles]), num(s[F.bytes], bytes(s[F.bytes])),
      el('td', {class: 'text'}, ...reasonsOf(op).slice(0, 4).flatMap(r => [badge(KIND[r.sev], r.rule), ' '])));
    row.title = reasonsOf(op).map(r => r.rule + ': ' + r.text).join('\n');
    return row;
  }));
  sortable(byId('ops'));
  filter();
}
function filter() {
  const words = wordsOf(byId('filter').value), where = byId('where').value;
  let shown = 0;
  for (const row of byId('ops').tBodies[0].rows) {
    const op = +row.dataset.op, text = (row.textContent + ' ' + row.title).toLowerCase();
    row.hidden = !(words.every(word => text.includes(word)) && (where === '' || WHERE[state(op)[F.where]] === where));
    shown += row.hidden ? 0 : 1;
  }
  byId('shown').textContent = shown + ' of ' + DATA.ops.length;
}
function find() {
  const words = wordsOf(byId('find').value), hits = [];
  view.dim(words.length === 0 ? null : i => {
    const op = DATA.node_op[i];
    const text = op < 0 ? '' : (DATA.ops[op].join(' ') + ' ' + reasonsOf(op).map(r => r.rule).join(' ')).toLowerCase();
    const hit = op >= 0 && words.every(word => text.includes(word));
    if (hit) hits.push(op);
    return !hit;
  });
  byId('found').textContent = words.length === 0 ? '' : hits.length + ' found';
  return hits;
}
byId('find').oninput = find;
byId('find').onkeydown = event => { if (event.key === 'Enter') { const hits = find(); if (hits.length) pick(hits[(hits.indexOf(picked) + 1) % hits.length], false), show(picked); } };
byId('filter').oninput = filter;
byId('where').onchange = filter;
byId('paint').onchange = () => { paint = byId('paint').value; colour(); };

function pickChip(index) {
  chip = index;
  picker(); tiles(); pictures(); advice(); colour(); panel(); table();
  for (const row of byId('chips').tBodies[0].rows) row.classList.toggle('picked', +row.dataset.chip === chip);
}
byId('about').textContent = DATA.about;
compare();
if (DATA.chips.length > 1) sortable(byId('chips'));
pickChip(0);
)js";

}  // namespace aneref::explain

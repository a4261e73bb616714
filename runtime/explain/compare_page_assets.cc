// See compare_page_assets.h. Pictures come as bytes and are drawn on canvases,
// errors in colours that start at the page's own background.
#include "runtime/explain/compare_page_assets.h"

namespace aneref {

const std::string_view kCompareStyle = R"css(
.verdict{border-left:6px solid var(--bad)}.verdict.pass{border-left-color:var(--good)}
.verdict strong{font-size:17px;overflow-wrap:anywhere}.finding h3{font-size:15px;margin:0 0 6px;overflow-wrap:anywhere}
.finding p:last-child{margin-bottom:0}.todo{border-left:3px solid var(--accent);padding-left:12px}
.node.good rect,i.good{fill:var(--goodbg);background:var(--goodbg);stroke:var(--good);border-color:var(--good)!important}
.node.warn rect,i.warn{fill:var(--warnbg);background:var(--warnbg);stroke:var(--warn);border-color:var(--warn)!important}
.node.bad rect,i.bad{fill:var(--badbg);background:var(--badbg);stroke:var(--bad);border-color:var(--bad)!important}
.node.none rect,i.none{fill:var(--notebg);background:var(--notebg);stroke:var(--soft);stroke-dasharray:4 3;
border-color:var(--soft)!important}.node.first rect{stroke-width:3.5}
.pictures{display:flex;gap:18px;flex-wrap:wrap;align-items:flex-start;margin-top:10px}figure{margin:0;max-width:100%}
figure.wide{flex:1 1 320px;max-width:480px}figcaption{font-size:12.5px;color:var(--soft);margin-top:4px}
canvas{image-rendering:pixelated;border:1px solid var(--line);border-radius:6px;background:var(--bg);display:block;max-width:100%}
details{border-bottom:1px solid var(--line);padding:8px 0}details:last-child{border-bottom:0}
summary{cursor:pointer;overflow-wrap:anywhere}#tensors td:nth-child(2){min-width:170px}#tensors td:last-child{white-space:nowrap}
#tensors tr.picked td{background:var(--notebg)}.bars{display:block;width:100%}
.bars rect{fill:var(--accent)}.bars text{font:10.5px system-ui,sans-serif;fill:var(--soft)}
)css";

const std::string_view kCompareGraph = R"html(
<section><h2>The network</h2>
<div class="bar"><input type="search" id="find" placeholder="find an op by name, kind or rule" aria-label="find">
<button id="first">first that differs</button><span class="soft" id="found"></span></div>
<div id="graph"></div></section>
)html";

const std::string_view kCompareScript = R"js(
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
for (const canvas of document.querySelectorAll('canvas[data-p]')) {
  const bytes = Uint8Array.from(atob(canvas.dataset.p), c => c.charCodeAt(0));
  const context = canvas.getContext('2d');
  const image = context.createImageData(canvas.width, canvas.height);
  const rgb = canvas.dataset.c === '3';
  const stops = [dark ? [28, 31, 37] : [255, 255, 255], [255, 214, 92], [230, 92, 40], dark ? [255, 120, 170] : [130, 10, 60]];
  for (let i = 0; i < canvas.width * canvas.height; ++i) {
    let color = [bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]];
    if (!rgb) {
      const at = Math.min(bytes[i] / 255 * 3, 2.999), k = Math.floor(at), f = at - k;
      color = stops[k].map((x, j) => x + (stops[k + 1][j] - x) * f);
    }
    image.data.set([...color, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  const scale = Math.max(1, Math.floor(224 / Math.max(canvas.width, canvas.height)));
  canvas.style.width = canvas.width * scale + 'px';
}

function network() {
  const {ops, first, graph} = JSON.parse(byId('graph-data').textContent);
  let picked = -1;
  const legend = el('div', {class: 'legend'}, ...[['good', 'equal or rounding'], ['warn', 'the engine\'s arithmetic'], ['bad', 'differs'],
    ['none', 'not in the dump']].map(([kind, word]) => el('span', {}, el('i', {class: kind}), word)));
  const view = graphView(byId('graph'), graph, legend,
    i => ({title: ops[i].op + (ops[i].ulp ? '  · ' + ops[i].ulp + ' ulp' : ''), sub: ops[i].name, tip: ops[i].name + ': ' + ops[i].label}), pick);
  const colour = () => view.colour(i => ops[i].kind + (i === first ? ' first' : '') + (i === picked ? ' picked' : ''), () => '');
  function panel() {
    if (picked < 0) {
      view.panel.replaceChildren(el('h3', {}, 'No op chosen'), el('p', {class: 'soft'}, 'Click an op: what is known of its difference, and its tensor below.'));
      return;
    }
    const op = ops[picked], list = el('dl');
    const add = (key, value) => { if (value) list.append(el('dt', {}, key), el('dd', {}, String(value))); };
    add('op', op.op); add('tensor', op.tensor); add('worst', op.ulp ? op.ulp + ' units in the last place' : '');
    add('beyond rounding', op.outside ? op.outside + ' elements' : ''); add('rule', op.rule); add('cause', op.title);
    view.panel.replaceChildren(el('h3', {}, op.name), badge(op.kind === 'none' ? 'note' : op.kind, op.label), list,
      ...(op.why ? [el('div', {class: 'why'}, el('p', {}, op.why))] : []),
      ...(op.advice ? [el('div', {class: 'why'}, el('p', {}, el('b', {}, 'What to do. '), op.advice))] : []),
      ...(op.row >= 0 ? [el('p', {}, el('a', {href: '#t' + op.row}, 'to its numbers'))] : []));
  }
  function pick(i) {
    picked = i;
    colour(); panel();
    document.querySelector('#tensors tr.picked')?.classList.remove('picked');
    byId('t' + ops[i].row)?.classList.add('picked');
  }
  const find = () => {
    const words = wordsOf(byId('find').value), hits = [];
    view.dim(words.length === 0 ? null : i => {
      const text = [ops[i].name, ops[i].op, ops[i].rule ?? '', ops[i].label].join(' ').toLowerCase();
      const hit = words.every(word => text.includes(word));
      if (hit) hits.push(i);
      return !hit;
    });
    byId('found').textContent = words.length === 0 ? '' : hits.length + ' found';
    return hits;
  };
  byId('find').oninput = find;
  byId('find').onkeydown = event => {
    const hits = event.key === 'Enter' ? find() : [];
    if (hits.length) { pick(hits[(hits.indexOf(picked) + 1) % hits.length]); view.show(picked); }
  };
  byId('first').hidden = first < 0;
  byId('first').onclick = () => { pick(first); view.show(first); };
  if (first >= 0) { picked = first; view.show(first); }
  colour(); panel();
}
if (byId('graph-data')) network();
)js";

}  // namespace aneref

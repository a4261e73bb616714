// See page_graph.h.
#include "runtime/explain/page_graph.h"

#include <cmath>

#include "runtime/explain/graph_layout.h"

namespace aneref {
namespace {

void WritePoint(const GraphLayout::Point& point, JsonWriter* json) {
  json->BeginArray();
  json->Value(std::round(point.x * 100) / 100);
  json->Value(point.y);
  json->EndArray();
}

}  // namespace

void WriteGraph(size_t nodes,
                const std::vector<std::pair<size_t, size_t>>& edges,
                JsonWriter* json) {
  const GraphLayout layout = LayOutGraph(nodes, edges);
  json->BeginObject();
  json->Member("width", layout.width);
  json->Member("layers", layout.layers);
  json->Key("pos");
  json->BeginArray();
  for (const GraphLayout::Point& point : layout.nodes) WritePoint(point, json);
  json->EndArray();
  json->Key("edges");
  json->BeginArray();
  for (size_t e = 0; e < edges.size(); ++e) {
    json->BeginArray();
    json->Value(edges[e].first);
    json->Value(edges[e].second);
    json->BeginArray();
    for (const GraphLayout::Point& point : layout.bends[e]) {
      WritePoint(point, json);
    }
    json->EndArray();
    json->EndArray();
  }
  json->EndArray();
  json->EndObject();
}

const std::string_view kGraphStyle = R"css(
.view{display:grid;grid-template-columns:minmax(0,1fr) 340px;gap:12px}
.canvas{position:relative;height:640px;background:var(--card);border:1px solid var(--line);border-radius:10px;overflow:hidden}
.canvas svg{width:100%;height:100%;display:block;cursor:grab;touch-action:none;user-select:none}
.canvas svg.drag{cursor:grabbing}.zoom{position:absolute;right:10px;top:10px;display:flex;gap:6px}
.legend{position:absolute;left:10px;bottom:10px;display:flex;gap:12px;flex-wrap:wrap;font-size:12.5px;padding:4px 10px;
background:var(--card);border:1px solid var(--line);border-radius:8px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:5px;vertical-align:-1px;border:1.5px solid}
.panel{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;height:640px;overflow:auto;
font-size:13.5px}
.panel h3{margin:0 0 2px;font-size:15px;overflow-wrap:anywhere}.panel dl{display:grid;grid-template-columns:auto 1fr;gap:3px 12px;
margin:10px 0}.panel dt{color:var(--soft)}.panel dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.why{border-top:1px solid var(--line);padding:8px 0}.why p{margin:3px 0}
.node rect{stroke-width:1.5}.node{cursor:pointer}.node text{font-size:12px;fill:var(--ink);pointer-events:none}
.node .sub{fill:var(--soft);font-size:10.5px}.node.port rect{fill:none;stroke:var(--line)}.node.port{cursor:default}
.node.picked rect{stroke:var(--accent);stroke-width:3;stroke-dasharray:none}.node.dim{opacity:.22}
.edge{fill:none;stroke:var(--soft);stroke-opacity:.5;stroke-width:1.3}
@media(max-width:900px){.view{grid-template-columns:minmax(0,1fr)}.canvas{height:440px}.panel{height:auto;max-height:420px}
main{padding:18px 12px 60px}}
)css";

const std::string_view kGraphScript = R"js(
const svgEl = (tag, attrs = {}, ...kids) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(attrs)) node.setAttribute(key, value);
  node.append(...kids);
  return node;
};

// Wheel and pointer move and zoom what `at` places.
function makeMovable(board, at) {
  board.addEventListener('wheel', event => {
    event.preventDefault();
    const box = board.getBoundingClientRect();
    at.zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});
  board.addEventListener('pointerdown', event => {
    at.moved = false;
    const x0 = event.clientX, y0 = event.clientY, sx = at.dx, sy = at.dy;
    const move = e => {
      if (Math.abs(e.clientX - x0) + Math.abs(e.clientY - y0) > 4) at.moved = true;
      if (!at.moved) return;
      board.classList.add('drag');
      at.dx = sx + e.clientX - x0; at.dy = sy + e.clientY - y0;
      at.apply();
    };
    const up = () => { board.classList.remove('drag'); removeEventListener('pointermove', move); removeEventListener('pointerup', up); };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
  });
}

function graphView(place, graph, legend, describe, click) {
  const W = 190, H = 62, BOX_W = 168, BOX_H = 38;
  const centre = p => [p[0] * W + W / 2, p[1] * H + H / 2];
  const scene = svgEl('g', {id: 'scene'}), board = svgEl('svg', {role: 'img', 'aria-label': 'the network; the table below lists the same'}, scene);
  const button = (label, text, run) => { const b = el('button', {'aria-label': label}, text); b.onclick = run; return b; };
  const panel = el('aside', {class: 'panel', id: 'panel', 'aria-live': 'polite'});
  const at = {scale: 1, dx: 0, dy: 0, moved: false,
    apply() { scene.setAttribute('transform', `translate(${at.dx},${at.dy}) scale(${at.scale})`); },
    zoom(factor, cx, cy) {
      const next = Math.min(Math.max(at.scale * factor, 0.03), 3);
      at.dx = cx - (cx - at.dx) * next / at.scale; at.dy = cy - (cy - at.dy) * next / at.scale; at.scale = next;
      at.apply();
    }};
  const middle = factor => { const box = board.getBoundingClientRect(); at.zoom(factor, box.width / 2, box.height / 2); };
  // All of a small network; the top of a large one, large enough to read.
  const fit = () => {
    const box = board.getBoundingClientRect(), w = graph.width * W, h = graph.layers * H;
    at.scale = Math.min(box.width / w, box.height / h, 1);
    if (at.scale < 0.35) { at.scale = Math.min(Math.max(box.width / w, 0.35), 1); at.dy = 10; } else { at.dy = (box.height - h * at.scale) / 2; }
    const first = graph.pos.length ? centre(graph.pos[0])[0] : 0;
    at.dx = w * at.scale > box.width ? box.width / 2 - first * at.scale : (box.width - w * at.scale) / 2;
    at.apply();
  };
  place.replaceChildren(el('div', {class: 'view'}, el('div', {class: 'canvas'}, board,
    el('div', {class: 'zoom'}, button('zoom in', '+', () => middle(1.3)), button('zoom out', '−', () => middle(1 / 1.3)), button('fit', 'fit', fit)),
    legend), panel));

  const lines = svgEl('g'), boxes = svgEl('g');
  const edges = graph.edges.map(([from, to, bends]) => {
    const a = centre(graph.pos[from]), b = centre(graph.pos[to]);
    const points = [[a[0], a[1] + BOX_H / 2], ...bends.map(centre), [b[0], b[1] - BOX_H / 2]];
    let d = 'M' + points[0].map(v => v.toFixed(1));
    for (let i = 1; i < points.length; ++i) {
      const [x0, y0] = points[i - 1], [x1, y1] = points[i], m = (y0 + y1) / 2;
      d += `C${x0.toFixed(1)},${m.toFixed(1)} ${x1.toFixed(1)},${m.toFixed(1)} ${x1.toFixed(1)},${y1.toFixed(1)}`;
    }
    const path = svgEl('path', {class: 'edge', d});
    lines.append(path);
    return [path, from, to];
  });
  const cut = (text, n) => text.length > n ? text.slice(0, n - 1) + '…' : text;
  const nodes = graph.pos.map((p, i) => {
    const [x, y] = centre(p), {title, sub, tip, port} = describe(i);
    const node = svgEl('g', {class: 'node', transform: `translate(${x - BOX_W / 2},${y - BOX_H / 2})`},
      svgEl('rect', {width: BOX_W, height: BOX_H, rx: port ? 19 : 7}),
      svgEl('text', {x: 10, y: 16}, cut(title, 22)), svgEl('text', {class: 'sub', x: 10, y: 30}, cut(sub, 27)), svgEl('title', {}, tip ?? title));
    node.addEventListener('click', () => { if (!at.moved) click(i); });
    boxes.append(node);
    return node;
  });
  scene.append(lines, boxes);

  makeMovable(board, at);
  addEventListener('resize', fit);
  fit();
  return {nodes, board, panel, right: BOX_W - 11, fit,
    colour(classOf, edgeClassOf) {
      nodes.forEach((node, i) => node.setAttribute('class', 'node ' + classOf(i) + (node.classList.contains('dim') ? ' dim' : '')));
      for (const [path, from, to] of edges) path.setAttribute('class', 'edge ' + edgeClassOf(from, to));
    },
    dim(isDim) { nodes.forEach((node, i) => node.classList.toggle('dim', isDim !== null && isDim(i))); },
    show(i) {
      const box = board.getBoundingClientRect(), [x, y] = centre(graph.pos[i]);
      at.scale = Math.max(at.scale, 0.8);
      at.dx = box.width / 2 - x * at.scale; at.dy = box.height / 2 - y * at.scale;
      at.apply();
    }};
}
)js";

}  // namespace aneref

// See page.h. Colours are variables, set once for light and once for dark.
#include "runtime/explain/page.h"

namespace aneref {
namespace {

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--bg:#fbfbfa;--card:#ffffff;--ink:#1c1e21;--soft:#666d75;--line:#dfe2e6;
--accent:#2257c4;--good:#1a7f4b;--note:#5a6572;--warn:#9a6700;--bad:#b42318;--goodbg:#e3f4ea;--notebg:#eef0f3;
--warnbg:#fdf1d6;--badbg:#fde8e6}
@media(prefers-color-scheme:dark){:root{--bg:#14161a;--card:#1c1f25;--ink:#e7e9ec;--soft:#9aa3ad;--line:#31363e;
--accent:#86abff;--good:#5cc98d;--note:#a8b1bb;--warn:#e3b341;--bad:#ff8a7d;--goodbg:#16331f;--notebg:#272c33;
--warnbg:#3a2e10;--badbg:#42201d}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 80px}
h1{font-size:22px;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:17px;margin:36px 0 10px}
p{margin:6px 0 12px;max-width:78ch}.soft{color:var(--soft)}code,.num{font-variant-numeric:tabular-nums}
code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:12px 0}
.badge{display:inline-block;border-radius:999px;padding:1px 9px;font-size:12.5px;font-weight:600;white-space:nowrap}
.badge.good{color:var(--good);background:var(--goodbg)}.badge.note{color:var(--note);background:var(--notebg)}
.badge.warn{color:var(--warn);background:var(--warnbg)}.badge.bad{color:var(--bad);background:var(--badbg)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:10px;background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:13.5px}th,td{padding:6px 10px;text-align:left;
border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}
th{position:sticky;top:0;background:var(--card);font-weight:600;white-space:nowrap}
table.sortable th{cursor:pointer}th[data-dir="1"]::after{content:" \2191"}th[data-dir="-1"]::after{content:" \2193"}
td.num,th.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
input[type=search]{font:inherit;padding:6px 12px;border:1px solid var(--line);border-radius:8px;width:100%;max-width:360px;
background:var(--card);color:inherit;margin:0 0 10px}
.bar{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:10px 0}
.bar label{color:var(--soft);font-size:13.5px}.bar input[type=search]{margin:0;max-width:280px}
button,select{font:inherit;font-size:13.5px;padding:4px 12px;border:1px solid var(--line);border-radius:8px;
background:var(--card);color:inherit;cursor:pointer}
button:hover,select:hover{border-color:var(--soft)}
button[aria-pressed=true]{background:var(--accent);border-color:var(--accent);color:var(--card);font-weight:600}
a{color:var(--accent)}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
)css";

constexpr std::string_view kScript = R"js(
'use strict';
const byId = id => document.getElementById(id);
const el = (tag, attrs = {}, ...kids) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attrs)) {
    if (key.startsWith('on')) node[key] = value; else if (value !== null) node.setAttribute(key, value);
  }
  node.append(...kids);
  return node;
};
const badge = (kind, text) => el('span', {class: 'badge ' + kind}, text);
// Sorts by the column whose head is chosen; cells may carry their key as data-v. Call again for new heads.
function sortable(table) {
  table.classList.add('sortable');
  const heads = table.tHead.rows[0].cells;
  for (let i = 0; i < heads.length; ++i) {
    heads[i].tabIndex = 0;
    const sort = () => {
      const dir = heads[i].dataset.dir === '1' ? -1 : 1;
      for (const head of heads) delete head.dataset.dir;
      heads[i].dataset.dir = dir;
      const key = row => {
        const cell = row.cells[i], text = cell.dataset.v ?? cell.textContent, number = Number(text);
        return text === '' || Number.isNaN(number) ? text : number;
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort((x, y) => {
        const a = key(x), b = key(y);
        if (typeof a !== typeof b) return typeof a === 'number' ? -dir : dir;
        return a < b ? -dir : a > b ? dir : 0;
      }));
    };
    heads[i].onclick = sort;
    heads[i].onkeydown = event => { if (event.key === 'Enter') sort(); };
  }
}
const wordsOf = text => text.toLowerCase().split(/\s+/).filter(Boolean);
for (const table of document.querySelectorAll('table.sortable')) sortable(table);
for (const input of document.querySelectorAll('input[data-filter]')) {
  input.oninput = () => {
    const words = wordsOf(input.value);
    for (const row of byId(input.dataset.filter).tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
    }
  };
}
)js";

}  // namespace

std::string HtmlText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string XmlText(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return HtmlText(clean);
}

std::string ScriptJson(std::string_view json) {
  std::string out;
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

std::string PageHead(std::string_view title, std::string_view extra_css) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>" +
      HtmlText(title) + "</title><style>";
  page += kStyle;
  page += extra_css;
  page += "</style></head>\n<body><main>\n<h1>" + HtmlText(title) + "</h1>\n";
  return page;
}

std::string PageFoot(std::string_view extra_script) {
  std::string page = "</main><script>";
  page += kScript;
  page += extra_script;
  page += "</script></body></html>\n";
  return page;
}

std::string Badge(std::string_view kind, std::string_view text) {
  return "<span class=\"badge " + std::string(kind) + "\">" + HtmlText(text) +
         "</span>";
}

}  // namespace aneref

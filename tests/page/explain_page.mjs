// Opens a page of `aneref explain --html` in headless Chromium, clicks through
// it as a reader would, fails on script errors and requests, and takes
// screenshots.
//   node tests/page/explain_page.mjs PAGE.html SCREENSHOT_FOLDER
// Needs Debian's chromium and the npm package playwright-core (found through
// NODE_PATH or a node_modules folder above the page); exits with 77 without.
import {createRequire} from 'node:module';
import {existsSync, mkdirSync} from 'node:fs';
import path from 'node:path';

const [page_file, folder] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), 'anywhere.js'));
let chromium;
try {
  ({chromium} = require('playwright-core'));
} catch {
  console.log('SKIPPED: playwright-core is not installed');
  process.exit(77);
}
const program = process.env.CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(program)) {
  console.log('SKIPPED: no ' + program);
  process.exit(77);
}
mkdirSync(folder, {recursive: true});

let failures = 0;
const check = (condition, what) => {
  if (!condition) ++failures;
  console.log((condition ? 'ok      ' : 'FAILED  ') + what);
};

const browser = await chromium.launch({executablePath: program,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync']});
for (const theme of ['light', 'dark']) {
  for (const [name, width] of [['wide', 1440], ['narrow', 420]]) {
    const context = await browser.newContext({colorScheme: theme, viewport: {width, height: 900}});
    const page = await context.newPage();
    const label = theme + ', ' + name + ': ';
    const errors = [], requests = [];
    page.on('pageerror', error => errors.push(String(error)));
    page.on('request', request => { if (!request.url().startsWith('file:')) requests.push(request.url()); });
    const start = Date.now();
    await page.goto('file://' + path.resolve(page_file));
    await page.waitForSelector('.node');
    check(Date.now() - start < 5000, label + 'drawn in ' + (Date.now() - start) + ' ms');
    await page.screenshot({path: `${folder}/${theme}_${name}_top.png`});
    const ops = await page.locator('#ops tbody tr').count();
    check(ops > 0, label + ops + ' ops in the table');
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(overflow <= 0, label + 'no sideways scrolling');
    // Click an op: the panel tells about it, graph and table mark it.
    await page.locator('#ops tbody tr').first().click();
    check(await page.locator('#ops tr.picked').count() === 1, label + 'a click marks the row');
    check(await page.locator('#panel h3').innerText() !== 'No op chosen', label + 'the panel shows the op');
    await page.screenshot({path: `${folder}/${theme}_${name}_graph.png`});
    // Filter by placement, and by a word.
    await page.selectOption('#where', 'cpu');
    const on_cpu = await page.locator('#ops tbody tr:visible').count();
    check((await page.locator('#shown').innerText()).startsWith(on_cpu + ' of '), label + on_cpu + ' ops on the CPU');
    await page.selectOption('#where', '');
    await page.fill('#filter', 'no such op');
    check(await page.locator('#ops tbody tr:visible').count() === 0, label + 'a filter that fits nothing hides all');
    await page.fill('#filter', '');
    // Sort by predicted time: the slowest comes first on the second click.
    const head = page.locator('#ops thead th', {hasText: 'predicted'});
    await head.click();
    await head.click();
    check(await head.getAttribute('data-dir') === '-1', label + 'columns sort');
    // Find in the graph.
    await page.fill('#find', 'conv');
    const found = await page.locator('#found').innerText();
    check(/\d+ found/.test(found), label + found);
    await page.press('#find', 'Enter');
    await page.fill('#find', '');
    // Zoom, then fit again.
    const before = await page.locator('#scene').getAttribute('transform');
    await page.click('#in');
    check(await page.locator('#scene').getAttribute('transform') !== before, label + 'zoom');
    await page.click('#fit');
    // Switch the chip.
    const buttons = page.locator('#picker button'), list = page.locator('#chip');
    if (await buttons.count() > 1) {
      await buttons.nth(1).click();
      check(await buttons.nth(1).getAttribute('aria-pressed') === 'true', label + 'another chip');
    } else if (await list.count() > 0) {
      await list.selectOption('1');
      check(await list.inputValue() === '1', label + 'another chip');
    }
    await page.selectOption('#paint', 'segmenter');
    await page.locator('#graph').scrollIntoViewIfNeeded();
    await page.screenshot({path: `${folder}/${theme}_${name}_segmenter.png`});
    await page.locator('#ops').scrollIntoViewIfNeeded();
    await page.screenshot({path: `${folder}/${theme}_${name}_table.png`});
    check(errors.length === 0, label + 'no script errors ' + errors.join(' '));
    check(requests.length === 0, label + 'no requests ' + requests.join(' '));
    await context.close();
  }
}
await browser.close();
console.log(failures === 0 ? 'all passed' : failures + ' failed');
process.exit(failures === 0 ? 0 : 1);

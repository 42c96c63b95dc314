// What axe-core finds on the page as it stands: all of WCAG 2.2 to AA, and its best practices.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const SOURCE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Each fault as `rule: where: what`, and how many elements passed a rule. */
export async function audit(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(SOURCE);
  return page.evaluate(async (tags) => {
    const { violations, passes } = await window.axe.run(document, { runOnly: tags, resultTypes: ['violations', 'passes'] });
    // Links of runs are hashes, too: axe takes each that is out of sight for one past the header.
    const meant = ({ id }, { target }) => id !== 'skip-link' || target.join() === '.skip';
    const found = violations.flatMap((rule) =>
      rule.nodes
        .filter((node) => meant(rule, node))
        .map(({ target, failureSummary }) => `${rule.id}: ${target.join(' ')}: ${failureSummary.split('\n').at(1)?.trim()}`),
    );
    return { found, passed: passes.reduce((sum, { nodes }) => sum + nodes.length, 0), rules: passes.map(({ id }) => id) };
  }, TAGS);
}

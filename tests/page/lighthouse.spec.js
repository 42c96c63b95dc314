// What Lighthouse says of accessibility and of best practices. Its score of performance depends on the machine: that one is measured by
// hand (`node tests/page/lighthouse.mjs`, docs/performance.md).

import { test, expect } from './kiln.js';
import { PAGES, measure } from './lighthouse.mjs';

for (const [name, hash] of Object.entries(PAGES)) {
  test(`Lighthouse gives the ${name} 95 or more for accessibility and best practices`, async ({ site }) => {
    test.setTimeout(180_000);
    const { scores, faults } = await measure(`${site}${hash}`, { form: 'desktop', categories: ['accessibility', 'best-practices'] });
    console.log(name, scores, faults);
    expect(Object.keys(scores)).toEqual(['accessibility', 'best-practices']);
    for (const [category, score] of Object.entries(scores)) expect(score, `${category}: ${faults.join('\n')}`).toBeGreaterThanOrEqual(95);
  });
}

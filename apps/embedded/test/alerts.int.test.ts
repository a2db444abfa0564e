// time limit: 120 s

import { readFile } from 'node:fs/promises';
import { serviceNames } from '@cordada/infra/config/services.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { startApiFleet } from './api-fleet.ts';

const test = suite('the alerts that an operator loads into Prometheus');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
const file = new URL('../../../infra/deploy/alerts.yml', import.meta.url);
const { groups } = parse(await readFile(file, 'utf8')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

/** What PromQL itself has, and the sample that Prometheus makes of every scrape. */
const builtIn = new Set(['max', 'min', 'sum', 'rate', 'by', 'unless', 'up']);
/** The metrics that an expression names, each with the labels that it selects or groups by. */
const metricsOf = (expr: string): ReadonlyMap<string, readonly string[]> => {
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/,\s*/));
  const found = new Map<string, readonly string[]>();
  const bare = expr.replace(/\bby \([^)]*\)/g, '').replace(/\[\w+\]/g, '');
  for (const [, name = '', selector = ''] of bare.matchAll(/([a-z_]+)\s*(\{[^}]*\})?/g))
    if (!builtIn.has(name))
      found.set(name, [...grouped, ...[...selector.matchAll(/(\w+)=/g)].map(([, label = '']) => label)]);
  return found;
};

const { fleet, call, campaign, completed } = await startApiFleet();
await completed(campaign(2));
await call('GET', '/api/sagas');
const pages = await Promise.all(
  Object.values(fleet.urls).map(async (url) => (await fetch(`${url}/metrics`)).text()),
);
const shown = pages.join('\n');

test('are there, each with what it is about and what to do', () => {
  assert.ok(rules.length > 5);
  for (const { alert, expr, labels, annotations } of rules) {
    assert.match(alert, /^Cordada[A-Z]/);
    assert.ok(expr.trim());
    assert.ok(['page', 'ticket'].includes(labels.severity), alert);
    assert.ok(annotations.summary && annotations.description, alert);
  }
  assert.is(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});

for (const { alert, expr } of rules)
  test(`${alert} reads metrics that the services have, by labels that those have`, () => {
    const metrics = metricsOf(expr);
    assert.ok(metrics.size > 0 || /\bup\b/.test(expr), expr);
    for (const [name, labels] of metrics) {
      const family = name.replace(/_(count|sum|bucket)$/, '');
      assert.match(shown, new RegExp(`^# TYPE (${name}|${family}) `, 'm'));
      // Which replica it was, `instance`, is Prometheus's own. A gauge of nothing has no samples to look at.
      const sample = new RegExp(`^${name}\\{(.*)\\} `, 'm').exec(shown)?.[1];
      if (sample !== undefined)
        for (const label of labels.filter((one) => one !== 'instance'))
          assert.match(sample, `${label}="`, `${name} has no ${label}`);
    }
  });

test('find every service ready, publishing its outbox, and no sagas parked', () => {
  const samples = (name: string) =>
    [...shown.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].map(([, value]) => Number(value));
  // Each service is accepting and has a bus; those that publish an outbox have a database, and the bff publishes too.
  const owners = serviceNames.length - 2;
  assert.is(samples('service_check_ok').length, 2 * serviceNames.length + owners);
  assert.equal([...new Set(samples('service_check_ok'))], [1]);
  assert.equal(samples('outbox_lease_held'), Array(owners).fill(1));
  assert.equal(samples('outbox_parked_keys'), Array(owners).fill(0));
  assert.is(samples('bus_publish_total').length, 3 * (owners + 1));
  assert.ok(samples('bus_publish_total').filter((count) => count > 0).length >= 4);
  assert.equal(
    samples('sagas_live').filter((count) => count > 0),
    [],
  );
});

test.after(() => fleet.stop());

test.run();

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defineManifest, manifest } from './manifest.ts';
import { reactionMap } from './reaction-map.ts';

const test = suite('manifest');

const contract = (owner: string, name: string) => ({ owner, name, topic: `${owner}/${name}.v1` });
const contracts = [contract('a', 'Hacer'), contract('a', 'Hecho'), contract('b', 'Listo')];

test('a topic or a subscription that is declared twice, and an unknown topic, are refused by name', () => {
  const subscription = { name: 's', service: 'b', topics: ['a/Hecho.v1'] };
  assert.throws(() => defineManifest([...contracts, contract('b', 'Listo')], []), /b\/Listo\.v1 .*twice/);
  assert.throws(() => defineManifest(contracts, [subscription, subscription]), /subscription s .*twice/);
  const unknown = { ...subscription, topics: ['a/Echo.v1'] };
  assert.throws(() => defineManifest(contracts, [unknown]), /s names a\/Echo\.v1/);
  const repeated = { ...subscription, topics: ['a/Hecho.v1', 'a/Hecho.v1'] };
  assert.throws(() => defineManifest(contracts, [repeated]), /s names a topic twice/);
});

test('every published contract has its topic', () => {
  const root = fileURLToPath(new URL('../../schemas', import.meta.url));
  const published = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((file) => /^([a-z-]+)\/(\w+)\/v(\d+)\.\d+\.avsc$/.exec(file))
    .flatMap((match) => (match ? [`${match[1]}/${match[2]}.v${match[3]}`] : []));
  assert.ok(published.length > 10);
  assert.equal([...manifest.topics.keys()].sort(), [...new Set(published)].sort());
});

test('a service consumes its own commands, and of its own events none', () => {
  for (const { name, service, topics } of manifest.subscriptions.values()) {
    for (const topic of topics) {
      const declared = manifest.topics.get(topic);
      if (declared?.owner !== service) continue;
      assert.match(declared.contract, /^[A-Z][a-z]+[aei]r[A-Z]/, `${name} consumes ${topic} of its own`);
    }
  }
});

test('the map draws an arrow for what each service consumes of another, and its commands before it', () => {
  const drawn = reactionMap(
    defineManifest(contracts, [
      { name: 'a', service: 'a', topics: ['a/Hacer.v1', 'b/Listo.v1'] },
      { name: 'b', service: 'b', topics: ['a/Hecho.v1'] },
    ]),
  );
  assert.equal(drawn.trimEnd().split('\n'), [
    'flowchart LR',
    '  a-commands(["Hacer"]) --> a',
    '  b -- "Listo" --> a',
    '  a -- "Hecho" --> b',
  ]);
});

test.run();

import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cordadaCollection, localEnvironment } from './collection/cordada.ts';

interface Item {
  readonly name: string;
  readonly event: readonly {
    readonly listen: string;
    readonly script: { readonly exec: readonly string[] };
  }[];
  readonly request: { readonly description: string; readonly url: string };
}

interface Folder {
  readonly name: string;
  readonly description: string;
  readonly item: readonly Item[];
}

const committed = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const { item: folders, variable } = cordadaCollection as {
  item: readonly Folder[];
  variable: readonly { key: string }[];
};
const requests = folders.flatMap(({ item }) => item);
const scripts = (item: Item): string => item.event.map(({ script }) => script.exec.join('\n')).join('\n');

test('the committed collection and environment are what their source says', () => {
  assert.equal(committed('cordada.postman_collection.json'), cordadaCollection, 'run: npm run generate');
  assert.equal(committed('cordada.postman_environment.json'), localEnvironment, 'run: npm run generate');
});

test('there is a folder for each scenario, and no two folders or requests of one folder have the same name', () => {
  const names = folders.map(({ name }) => name);
  for (const scenario of ['exitoso', 'registro-evento-fallido', 'registro-partner-fallido'])
    assert.ok(names.includes(`Scenario: ${scenario}`), scenario);
  assert.is(new Set(names).size, names.length);
  for (const { item } of folders) assert.is(new Set(item.map(({ name }) => name)).size, item.length);
});

test('every folder and request says what it is for, and every request tests its answer', () => {
  for (const { name, description } of folders) assert.ok(description.length > 10, name);
  for (const one of requests) {
    assert.ok(one.request.description.length > 5, one.name);
    assert.match(
      one.event.find(({ listen }) => listen === 'test')?.script.exec.join('\n') ?? '',
      /pm\.test\(/,
      one.name,
    );
  }
});

test('every script is JavaScript', () => {
  for (const one of requests)
    for (const { script } of one.event)
      assert.not.throws(() => new Script(`async () => {${script.exec.join('\n')}}`), undefined, one.name);
});

test('every variable that a request uses is one of the collection, or was set before it in its folder', () => {
  for (const { name, item } of folders) {
    const known = new Set(variable.map(({ key }) => key));
    for (const one of item) {
      const text = scripts(one);
      const before = one.event.find(({ listen }) => listen === 'prerequest')?.script.exec.join('\n') ?? '';
      const set = (source: string): void => {
        for (const [, key] of source.matchAll(/(?:save|ollectionVariables\.set|variables\.set)\('(\w+)'/g))
          known.add(key as string);
        if (source.includes('newCampaign();')) for (const n of [1, 2, 3]) known.add(`participante${n}`);
      };
      set(before);
      for (const [, key] of JSON.stringify(one.request).matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(known.has(key as string), `${name}: ${one.name}: ${key}`);
      set(text);
    }
  }
});

test.run();

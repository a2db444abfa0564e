import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jsonContract } from '../testing/json-contract.ts';
import { DefinitionError, saga } from './builder.ts';

const test = suite('a definition');

interface Start {
  readonly nombres: readonly string[];
}
const start = jsonContract<Start>('Iniciar');
const options = { tipo: 'prueba', version: 1, starts: start, clave: (): string[] => [] };
const begin = (more: Partial<typeof options> = {}) => saga({ ...options, ...more });

const compensatable = (name: string) => ({
  command: jsonContract<{ id: string }>(`Hacer${name}`),
  body: () => ({ id: '1' }),
  event: jsonContract<{ id: string; precio: string }>(`Hecho${name}`),
  failure: jsonContract<{ motivo: string }>(`Fallido${name}`),
  compensation: jsonContract<{ id: string }>(`Deshacer${name}`),
  undo: () => ({ id: '1' }),
  compensated: jsonContract<{ id: string }>(`Deshecho${name}`),
});
const retriable = (name: string) => {
  const { command, body, event } = compensatable(name);
  return { command, body, event };
};
const readOnly = (name: string) => {
  const { failure } = compensatable(name);
  return { ...retriable(name), failure };
};

const refused = (reason: RegExp, define: () => unknown) =>
  assert.throws(define, (error: Error) => error instanceof DefinitionError && reason.test(error.message));

test('that keeps the rules has the kinds of its steps, and the role of every contract', () => {
  const definition = begin()
    .readOnly('leer', readOnly('A'))
    .step('uno', compensatable('B'))
    .pivot('decidir', compensatable('C'))
    .retriable('seguir', retriable('D'))
    .end();
  assert.equal(
    definition.steps.map(({ kind }) => kind),
    ['readOnly', 'compensatable', 'pivot', 'retriable'],
  );
  assert.equal(definition.roles.get('FallidoB'), { step: 1, role: 'failure' });
  assert.equal(
    definition.undo?.steps.map(({ command }) => command.name),
    ['DeshacerC', 'DeshacerB'],
  );
});

test('with a step after a retriable one does not compile, and is refused', () => {
  refused(
    /step dos: a compensatable step cannot follow uno: past a retriable step only retriable ones can/,
    () =>
      begin()
        .retriable('uno', retriable('A'))
        // @ts-expect-error there is no step after a retriable one
        .step('dos', compensatable('B'))
        .end(),
  );
});

test('with two pivots does not compile, and is refused', () => {
  refused(/a pivot step cannot follow uno/, () =>
    begin()
      .pivot('uno', compensatable('A'))
      // @ts-expect-error there is no pivot after a pivot
      .pivot('dos', compensatable('B'))
      .end(),
  );
});

test('whose retriable step has a failure does not compile, and is refused', () => {
  const { compensation, undo, compensated, ...failing } = compensatable('A');
  refused(/a retriable step cannot fail/, () =>
    // @ts-expect-error it names a failure
    begin().retriable('uno', failing).end(),
  );
});

test('whose step lacks its compensation does not compile, and is refused', () => {
  refused(/step uno: its compensation is missing/, () =>
    // @ts-expect-error no compensation
    begin().step('uno', readOnly('A')).end(),
  );
});

test('whose step lacks its failure does not compile, and is refused', () => {
  refused(/step uno: it names no failure/, () =>
    // @ts-expect-error no failure
    begin().readOnly('uno', retriable('A')).end(),
  );
});

test('whose body is not what its contract says does not compile', () => {
  begin().step('uno', {
    ...compensatable('A'),
    // @ts-expect-error id is a string
    body: () => ({ id: 1 }),
  });
});

test('that names a step which is there already does not compile, and is refused', () => {
  refused(/step uno: there is another of that name/, () =>
    begin()
      .step('uno', compensatable('A'))
      // @ts-expect-error the name is taken
      .step('uno', compensatable('B'))
      .end(),
  );
});

test('knows the facts and the ids of earlier steps by their types', () => {
  begin()
    .step('uno', { ...compensatable('A'), facts: ({ precio }) => precio })
    .step('dos', {
      ...compensatable('B'),
      forEach: ({ nombres }) => nombres,
      body: ({ facts, item, id }) => ({
        id: `${id('uno')} ${facts.uno.toUpperCase()} ${item.toUpperCase()}`,
      }),
    })
    .step('tres', {
      ...compensatable('C'),
      forEachOf: 'dos',
      body: ({ item }) => ({ id: item.toUpperCase() }),
    })
    .retriable('cuatro', {
      ...retriable('D'),
      // @ts-expect-error no step of that name makes an entity
      body: ({ id }) => ({ id: id('cinco') }),
    });
});

test('that uses a contract twice is refused', () => {
  refused(/step dos: HacerA is used twice/, () =>
    begin()
      .step('uno', compensatable('A'))
      .step('dos', { ...compensatable('B'), command: compensatable('A').command })
      .end(),
  );
  refused(/step uno: Iniciar is used twice/, () =>
    begin()
      .retriable('uno', { ...retriable('A'), event: jsonContract<{ id: string }>('Iniciar') })
      .end(),
  );
});

test('is refused without a step, with a bad name, version or timeout, and with items of a step that has none', () => {
  refused(/it has no step/, () => begin().end());
  refused(/its name must be/, () => begin().step('un/o', compensatable('A')).end());
  refused(/its tipo must be/, () => begin({ tipo: 'Prueba' }).step('uno', compensatable('A')).end());
  refused(/its version/, () => begin({ version: 0 }).step('uno', compensatable('A')).end());
  refused(/its timeout/, () =>
    begin()
      .step('uno', { ...compensatable('A'), timeout: 0 })
      .end(),
  );
  refused(/forEachOf names uno, which has no items/, () =>
    begin()
      .step('uno', compensatable('A'))
      .step('dos', { ...compensatable('B'), forEachOf: 'uno' })
      .end(),
  );
});

test('has a hash that everything of it counts in which live sagas rely on, and the text of functions does not', () => {
  const hash = (more: Partial<typeof options> = {}, timeout = 60_000) =>
    begin(more)
      .step('uno', { ...compensatable('A'), timeout })
      .end().hash;
  assert.is(hash(), hash());
  assert.is(hash(), hash({ clave: () => ['otra'] }));
  assert.is.not(hash(), hash({ version: 2 }));
  assert.is.not(hash(), hash({}, 30_000));
  assert.is.not(
    hash(),
    begin()
      .step('uno', { ...compensatable('A'), local: true })
      .end().hash,
  );
  assert.is.not(
    hash(),
    begin()
      .step('uno', { ...compensatable('B') })
      .end().hash,
  );
  assert.is.not(hash(), begin().pivot('uno', compensatable('A')).end().hash);
});

test.run();

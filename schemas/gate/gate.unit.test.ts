import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { check, record } from './gate.ts';
import { sha256 } from './sources.ts';

type Field = Record<string, unknown> & { readonly name: string };
type Schema = Record<string, unknown> & { readonly fields: readonly Field[] };

const ESTADO = { type: 'enum', name: 'Estado', symbols: ['abierto', 'cerrado'] };
const MONTO = { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 2 };

const V1_0: Schema = {
  type: 'record',
  name: 'Pedido',
  namespace: 'cordada.ventas',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'estado', type: ESTADO },
    { name: 'total', type: MONTO },
    { name: 'fecha', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'cantidad', type: 'int', default: 1 },
  ],
};

const plus = (...added: readonly Field[]): Schema => ({ ...V1_0, fields: [...V1_0.fields, ...added] });
const retyped = (name: string, change: Record<string, unknown>): Schema => ({
  ...V1_0,
  fields: V1_0.fields.map((field) => (field.name === name ? { ...field, ...change } : field)),
});

const PATH = 'ventas/Pedido/v1.0.avsc';
const NEXT = 'ventas/Pedido/v1.1.avsc';
const GOLDEN = 'golden/Pedido.v1.0.json';

const gate = suite<{ root: string }>('gate');

gate.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'cordada-schemas-'));
  put(context.root, PATH, V1_0);
  assert.equal(record(context.root).refusals, []);
});
gate.after.each(({ root }) => rmSync(root, { recursive: true }));

const put = (root: string, path: string, content: unknown): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
};
const read = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');

/** That the gate refuses, for this reason, and that publishing refuses as well and writes nothing. */
const refuses = (root: string, reason: RegExp): void => {
  const refusals = check(root);
  assert.ok(
    refusals.some((refusal) => reason.test(refusal)),
    `${reason} is not among ${JSON.stringify(refusals)}`,
  );
  const before = read(root, 'published.json');
  const outcome = record(root);
  assert.ok(
    outcome.refusals.some((refusal) => reason.test(refusal)),
    `recorded despite ${reason}`,
  );
  assert.equal(outcome.written, []);
  assert.is(read(root, 'published.json'), before);
};

gate('takes what was recorded, and recording again writes nothing', ({ root }) => {
  assert.equal(check(root), []);
  assert.equal(record(root), { refusals: [], written: [] });
});

gate('refuses a published schema that changed, though only in its doc', ({ root }) => {
  put(root, PATH, { ...V1_0, doc: 'Better' });
  refuses(root, /^ventas\/Pedido\/v1\.0\.avsc: changed after it was published/);
});

gate('refuses a published schema that is gone', ({ root }) => {
  put(root, 'ventas/Otro/v1.0.avsc', { ...V1_0, name: 'Otro' });
  rmSync(join(root, PATH));
  refuses(root, /v1\.0\.avsc: was published and is gone/);
});

gate('refuses a new version until it is recorded', ({ root }) => {
  put(root, NEXT, plus({ name: 'nota', type: ['null', 'string'], default: null }));
  assert.ok(check(root).some((refusal) => /v1\.1\.avsc: is not in published\.json; run/.test(refusal)));
  assert.equal(record(root), {
    refusals: [],
    written: ['golden/Pedido.v1.1.json', 'published.json', 'generated/contracts.ts'],
  });
  assert.equal(check(root), []);
});

gate('refuses generated code that is stale, and recording mends it', ({ root }) => {
  put(root, 'generated/contracts.ts', `${read(root, 'generated/contracts.ts')}\n`);
  assert.ok(check(root).some((refusal) => /generated\/contracts\.ts: is stale/.test(refusal)));
  assert.equal(record(root), { refusals: [], written: ['generated/contracts.ts'] });
  assert.equal(check(root), []);
});

gate('refuses golden bytes that changed, are gone, or belong to nothing', ({ root }) => {
  const golden = read(root, GOLDEN);
  put(root, GOLDEN, golden.replace('"hex": "', '"hex": "00'));
  refuses(root, /golden\/Pedido\.v1\.0\.json: changed after it was published/);
  rmSync(join(root, GOLDEN));
  refuses(root, /golden\/Pedido\.v1\.0\.json: is missing/);
  put(root, GOLDEN, golden);
  put(root, 'golden/Nada.v1.0.json', '{}');
  refuses(root, /golden\/Nada\.v1\.0\.json: belongs to no version/);
});

gate('refuses a codec that writes or reads other bytes than the golden ones', ({ root }) => {
  const golden = JSON.parse(read(root, GOLDEN)) as {
    samples: { value: { cantidad: number }; hex: string }[];
  };
  for (const { value } of golden.samples) value.cantidad = 77;
  const text = JSON.stringify(golden);
  put(root, GOLDEN, text);
  // As if the bytes had been published so: what differs is the codec of today.
  const lock = JSON.parse(read(root, 'published.json')) as Record<string, { golden: string }>;
  put(root, 'published.json', { [PATH]: { ...lock[PATH], golden: sha256(text) } });
  const refusals = check(root);
  assert.ok(
    refusals.some((refusal) => /Pedido\.v1\.0\.json: sample 0 is written as [0-9a-f]+ now/.test(refusal)),
  );
  assert.ok(refusals.some((refusal) => /Pedido\.v1\.0\.json: sample 2 is read as .* now/.test(refusal)));
});

/** A second version, and why it is not compatible with the first. */
const INCOMPATIBLE: readonly (readonly [string, Schema, RegExp])[] = [
  [
    'a field added without a default',
    plus({ name: 'nota', type: 'string' }),
    /v1\.1 cannot read v1\.0: nota: is not there, and has no default/,
  ],
  [
    'a field without default removed',
    { ...V1_0, fields: V1_0.fields.slice(1) },
    /v1\.0 cannot read v1\.1: id: is not there/,
  ],
  [
    'a field renamed',
    { ...V1_0, fields: [{ name: 'codigo', type: 'string' }, ...V1_0.fields.slice(1)] },
    /codigo: is not there/,
  ],
  [
    'a field promoted',
    retyped('cantidad', { type: 'long' }),
    /v1\.0 cannot read v1\.1: cantidad: is int here and long there/,
  ],
  [
    'a field made optional',
    retyped('id', { type: ['null', 'string'], default: null }),
    /v1\.0 cannot read v1\.1: id: may be null there/,
  ],
  [
    'a decimal of another scale',
    retyped('total', { type: { ...MONTO, scale: 3 } }),
    /total: is decimal\(18,3\) here and decimal\(18,2\) there/,
  ],
  [
    'a decimal of more digits',
    retyped('total', { type: { ...MONTO, precision: 20 } }),
    /total: is decimal\(20,2\) here and decimal\(18,2\) there/,
  ],
  [
    'a decimal that becomes bytes',
    retyped('total', { type: 'bytes' }),
    /total: is bytes here and decimal there/,
  ],
  [
    'an instant that becomes a long',
    retyped('fecha', { type: 'long' }),
    /fecha: is long here and timestamp-millis there/,
  ],
  [
    'a symbol added to an enum without default',
    retyped('estado', { type: { ...ESTADO, symbols: ['abierto', 'cerrado', 'roto'] } }),
    /v1\.0 cannot read v1\.1: estado: has no roto here, and no default/,
  ],
  [
    'a symbol removed',
    retyped('estado', { type: { ...ESTADO, symbols: ['abierto'] } }),
    /v1\.1 cannot read v1\.0: estado: has no cerrado here/,
  ],
  [
    'an enum renamed',
    retyped('estado', { type: { ...ESTADO, name: 'Fase' } }),
    /estado: is called cordada\.ventas\.Fase here and cordada\.ventas\.Estado there/,
  ],
  [
    'a default of the wrong type',
    retyped('cantidad', { default: '1' }),
    /v1\.1\.avsc: cantidad: the default "1" is not of its type/,
  ],
  ['an alias', retyped('id', { aliases: ['codigo'] }), /v1\.1\.avsc: id: a field has no attribute "aliases"/],
  [
    'an unknown logical type',
    plus({ name: 'dia', type: { type: 'int', logicalType: 'date' }, default: 0 }),
    /v1\.1\.avsc: dia: int has no attribute "logicalType"/,
  ],
];

for (const [what, schema, reason] of INCOMPATIBLE) {
  gate(`refuses a version with ${what}`, ({ root }) => {
    put(root, NEXT, schema);
    refuses(root, reason);
  });
}

gate('refuses a record renamed within a version, or in a nested type', ({ root }) => {
  const linea = (name: string) => ({
    name: 'linea',
    type: { type: 'record', name, fields: [{ name: 'n', type: 'int' }] },
  });
  put(root, 'ventas/Compra/v1.0.avsc', { ...V1_0, name: 'Compra', fields: [linea('Linea')] });
  assert.equal(record(root).refusals, []);
  put(root, 'ventas/Compra/v1.1.avsc', { ...V1_0, name: 'Compra', fields: [linea('Renglon')] });
  refuses(root, /linea: is called cordada\.ventas\.Renglon here and cordada\.ventas\.Linea there/);
});

gate('takes fields added with defaults, defaults changed, docs and a new order', ({ root }) => {
  const next = plus({ name: 'nota', type: ['null', 'string'], default: null });
  put(root, NEXT, { ...next, doc: 'More', fields: [...next.fields].reverse() });
  assert.equal(record(root).refusals, []);
  put(root, 'ventas/Pedido/v1.2.avsc', retyped('cantidad', { default: 2 }));
  assert.equal(record(root).refusals, []);
  assert.equal(check(root), []);
});

gate('takes a symbol more where every version has a default for it', ({ root }) => {
  const withEstado = (symbols: readonly string[]): Schema => ({
    ...V1_0,
    name: 'Compra',
    fields: [{ name: 'estado', type: { ...ESTADO, symbols, default: 'abierto' } }],
  });
  put(root, 'ventas/Compra/v1.0.avsc', withEstado(['abierto', 'cerrado']));
  assert.equal(record(root).refusals, []);
  put(root, 'ventas/Compra/v1.1.avsc', withEstado(['abierto', 'cerrado', 'roto']));
  assert.equal(record(root).refusals, []);
});

gate('compares a version with every one before it, not only the last', ({ root }) => {
  put(root, NEXT, plus({ name: 'nota', type: 'string', default: '' }));
  put(root, 'ventas/Pedido/v1.2.avsc', V1_0);
  assert.equal(record(root).refusals, []);
  put(root, 'ventas/Pedido/v1.3.avsc', plus({ name: 'nota', type: 'int', default: 0 }));
  refuses(root, /v1\.3 cannot read v1\.1: nota: is int here and string there/);
});

gate(
  'takes a breaking change as a new major beside the old one, with a name and a topic of its own',
  ({ root }) => {
    put(root, 'ventas/Pedido/v2.0.avsc', { ...V1_0, fields: [{ name: 'codigo', type: 'long' }] });
    assert.equal(record(root).refusals, []);
    assert.match(
      read(root, 'generated/contracts.ts'),
      "PedidoV2: defineContract<PedidoV2>('ventas', 'PedidoV2', 'ventas/Pedido.v2'",
    );
    assert.match(
      read(root, 'generated/contracts.ts'),
      "Pedido: defineContract<Pedido>('ventas', 'Pedido', 'ventas/Pedido.v1'",
    );
  },
);

/** A file, and why its place is wrong. */
const MISPLACED: readonly (readonly [string, unknown, RegExp])[] = [
  ['ventas/Compra/v1.0.avsc', V1_0, /its record is cordada\.ventas\.Pedido, not cordada\.ventas\.Compra/],
  [
    'compras/Orden/v1.0.avsc',
    { ...V1_0, name: 'Orden' },
    /its record is cordada\.ventas\.Orden, not cordada\.compras\.Orden/,
  ],
  [
    'compras/Pedido/v1.0.avsc',
    { ...V1_0, namespace: 'cordada.compras' },
    /ventas owns a contract of that name|compras owns a contract of that name/,
  ],
  ['ventas/Pedido/v1.avsc', V1_0, /is not <owner>\/<Contract>\/v<major>\.<minor>\.avsc/],
  ['ventas/Pedido/notas.txt', 'x', /is not <owner>/],
  ['ventas/Pedido/v1.2.avsc', V1_0, /v1\.2\.avsc: follows v1\.0, so a version is left out/],
  ['ventas/Pedido/v3.0.avsc', V1_0, /v3\.0\.avsc: follows v1\.0, so a version is left out/],
  ['ventas/Compra/v1.1.avsc', { ...V1_0, name: 'Compra' }, /v1\.1\.avsc: follows nothing/],
  ['ventas/Compra/v1.0.avsc', '{', /v1\.0\.avsc: .*JSON/],
];

for (const [path, content, reason] of MISPLACED) {
  gate(`refuses ${path} where ${String(reason).slice(1, 60)}`, ({ root }) => {
    put(root, path, content);
    refuses(root, reason);
  });
}

const git = (root: string, ...args: string[]): void => {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false'];
  execFileSync('git', ['-C', root, ...identity, ...args], { stdio: 'ignore' });
};
const commit = (root: string): void => {
  git(root, 'add', '.');
  git(root, 'commit', '-q', '-m', 'x');
};

gate('refuses a schema that changed together with its line in the lock, by what git says', ({ root }) => {
  git(root, 'init', '-q');
  commit(root);
  assert.equal(check(root), []);
  const fresh = mkdtempSync(join(tmpdir(), 'cordada-schemas-'));
  put(fresh, PATH, { ...V1_0, doc: 'Rewritten' });
  record(fresh);
  for (const path of [PATH, GOLDEN, 'published.json', 'generated/contracts.ts'])
    put(root, path, read(fresh, path));
  rmSync(fresh, { recursive: true });
  refuses(
    root,
    /v1\.0\.avsc: published\.json says something else than commit [0-9a-f]{12}, which published it/,
  );
  commit(root);
  refuses(root, /published\.json says something else than commit/);
});

gate('refuses a lock that lost a published version, by what git says', ({ root }) => {
  git(root, 'init', '-q');
  commit(root);
  put(root, 'published.json', '{}\n');
  refuses(root, /v1\.0\.avsc: published\.json lost it, and commit/);
});

gate('records a version again that no commit holds yet', ({ root }) => {
  git(root, 'init', '-q');
  commit(root);
  put(root, NEXT, plus({ name: 'nota', type: 'string', default: '' }));
  assert.equal(record(root).refusals, []);
  put(root, NEXT, plus({ name: 'nota', type: 'string', default: 'x' }));
  assert.ok(check(root).some((refusal) => /v1\.1\.avsc: changed after it was published/.test(refusal)));
  assert.equal(record(root).refusals, []);
  assert.equal(check(root), []);
  commit(root);
  put(root, NEXT, plus({ name: 'nota', type: 'string', default: 'y' }));
  refuses(root, /v1\.1\.avsc: changed after it was published/);
});

gate('takes the schemas of this repository', () => {
  assert.equal(check(fileURLToPath(new URL('..', import.meta.url))), []);
});

gate.run();

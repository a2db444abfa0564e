import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from './declare.ts';
import { declared, readSettings } from './settings.ts';

const test = suite('settings');

const faultsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readSettings(env);
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as ConfigError).faults;
  }
  return [];
};

test('an empty environment gives every default', () => {
  const settings = readSettings({
    PATH: '/bin',
    HOME: '/root',
    HOSTNAME: 'x',
    USER: 'x',
    LANG: 'C',
    PORT: '3000',
  });
  assert.is(settings.PORT_BASE, 8000);
  assert.is(settings.HOST, '127.0.0.1');
  assert.is(settings.BUS_URL, 'memory:');
  assert.is(settings.DATABASE_URL, undefined);
  assert.is(settings.AUTH, 'required');
  assert.is(settings.RATE_LIMIT, 600);
});

test('a program starts with its own defaults, unless the environment says otherwise', () => {
  assert.is(readSettings({}, { AUTH: 'demo' }).AUTH, 'demo');
  assert.is(readSettings({ AUTH: 'required' }, { AUTH: 'demo' }).AUTH, 'required');
});

for (const url of [
  'memory:',
  'pulsar://h:6650',
  'pulsar+ssl://h:6651',
  'pulsar+ws://h:8080',
  'pulsar+wss://h',
])
  test(`the bus may be at ${url}`, () => {
    assert.is(readSettings({ BUS_URL: url }).BUS_URL, url);
  });

test('who speaks to the broker is told by paths and a token, all of them absent unless set', () => {
  const none = readSettings({});
  assert.equal(
    [none.PULSAR_ADMIN_URL, none.PULSAR_TOKEN, none.PULSAR_CERT, none.PULSAR_KEY, none.PULSAR_TRUST_CERTS],
    [undefined, undefined, undefined, undefined, undefined],
  );
  const some = readSettings({ PULSAR_ADMIN_URL: 'https://h:8443', PULSAR_TOKEN: 't', PULSAR_CERT: '/c.pem' });
  assert.equal(
    [some.PULSAR_ADMIN_URL, some.PULSAR_TOKEN, some.PULSAR_CERT],
    ['https://h:8443', 't', '/c.pem'],
  );
});

test('an empty variable is an absent one', () => {
  assert.is(readSettings({ DATABASE_URL: '', PORT_BASE: '' }).PORT_BASE, 8000);
});

const outOfRange: readonly [name: string, text: string, told: RegExp][] = [
  ['PORT_BASE', '0', /^PORT_BASE=0 must be a whole number from 1 to 65000$/],
  ['PORT_BASE', '65001', /from 1 to 65000/],
  ['PORT_BASE', '8000.5', /whole number/],
  ['PORT_BASE', '0x10', /whole number/],
  ['PORT_BASE', '9'.repeat(400), /whole number/],
  ['RATE_LIMIT', '-1', /whole number/],
  ['AUTH', 'off', /^AUTH=off must be one of demo, required$/],
  ['AUTH', 'DEMO', /one of/],
  ['LOG_LEVEL', 'loud', /one of/],
  ['LOG_LEVEL', 'a\nb', /one of/],
  ['BUS_URL', 'memory', /must be a URL that begins with memory: or pulsar: or pulsar\+ssl:/],
  ['BUS_URL', 'pulsar+http://h', /must be a URL/],
  ['PULSAR_ADMIN_URL', 'h:8080', /must be a URL that begins with http: or https:$/],
  ['BUS_URL', 'kafka://x', /must be a URL/],
  [
    'DATABASE_URL',
    'mysql://u:secret@h/db',
    /^DATABASE_URL must be a URL that begins with postgres: or postgresql:$/,
  ],
  ['API_KEYS', 'secret', /^API_KEYS must be name:key/],
  ['API_KEYS', 'a:secret:JEFE', /with roles of ADMIN, OPERARIO, CLIENTE/],
  ['API_KEYS', 'a:secret,a:secret2', /names a holder twice/],
  ['SERVICE_TOKEN_SECRET', 'secret', /^SERVICE_TOKEN_SECRET must have at least 32 characters$/],
];

for (const [name, text, told] of outOfRange)
  test(`${name}=${JSON.stringify(text.slice(0, 25))} is refused in one short line that does not tell a secret`, () => {
    const faults = faultsOf({ [name]: text });
    assert.is(faults.length, 1);
    assert.match(faults[0] ?? '', told);
    assert.not.match(faults[0] ?? '', /secret/);
    assert.not.match(faults[0] ?? '', /\n/);
    assert.ok((faults[0] ?? '').length < 200);
  });

for (const [wrong, meant] of [
  ['DATABASE_UR', 'DATABASE_URL'],
  ['DATABASE_URLS', 'DATABASE_URL'],
  ['DATABSAE_URL', 'DATABASE_URL'],
  ['DATABASE-URL', 'DATABASE_URL'],
  ['PORTBASE', 'PORT_BASE'],
  ['RATELIMIT', 'RATE_LIMIT'],
  ['auth', 'AUTH'],
  ['API_KEY', 'API_KEYS'],
  ['BFF_URI', 'BFF_URL'],
  ['PULSAR_TOKENS', 'PULSAR_TOKEN'],
  ['PULSAR_TRUST_CERT', 'PULSAR_TRUST_CERTS'],
] as const)
  test(`${wrong} is one letter off ${meant}`, () => {
    assert.equal(faultsOf({ [wrong]: 'x' }), [`${wrong} is not a setting: did you mean ${meant}?`]);
  });

test('no setting is one letter off another', () => {
  assert.equal(faultsOf(Object.fromEntries(Object.keys(declared).map((name) => [name, '']))), []);
});

test('all faults are told at once', () => {
  assert.is(faultsOf({ PORT_BASE: 'x', AUTH: 'x', API_KEY: 'x' }).length, 3);
});

test('keys name their holder and roles; every role where none is named', () => {
  assert.equal(readSettings({ API_KEYS: 'tienda:secret-key-123, jefa:k2:ADMIN+OPERARIO' }).API_KEYS, [
    { name: 'tienda', key: 'secret-key-123', roles: ['ADMIN', 'OPERARIO', 'CLIENTE'] },
    { name: 'jefa', key: 'k2', roles: ['ADMIN', 'OPERARIO'] },
  ]);
});

test('every setting says what it is for', () => {
  for (const [name, { description }] of Object.entries(declared))
    assert.match(description, /^.{10,}\.$/, name);
});

test.run();

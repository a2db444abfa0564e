// time limit: 120 s
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from '../config/declare.ts';
import { readSettings } from '../config/settings.ts';
import { openServicePostgres } from '../service/service-database.ts';
import { startOwnPostgres } from '../testing/postgres.ts';
import { statement } from './database.ts';
import { rejection } from './testing/databases.ts';

const run = promisify(execFile);
const ENCRYPTED = statement('test.encrypted', 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');

/** A self-signed certificate for `name`, PEM. */
const certificateFor = async (folder: string, name: string) => {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', '/CN=cordada test', '-addext', `subjectAltName=${name}`];
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  await run('openssl', [...made, '-keyout', key, '-out', certificate, ...subject]);
  return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
};

const test = suite('Postgres over TLS');
const folder = await mkdtemp(join(tmpdir(), 'cordada-tls-'));
const own = await certificateFor(folder, 'IP:127.0.0.1').catch(() => undefined);
const server = own && (await startOwnPostgres({ tls: own }));

if (own === undefined || server === undefined) test.skip('no server, or no openssl');
else {
  const ca = join(folder, 'own.pem');
  const strange = join(folder, 'strange.pem');
  const open = async (env: Record<string, string>, url = server.url): Promise<boolean> => {
    const database = await openServicePostgres(readSettings(env), {
      url,
      prefix: 'tls',
      service: 'partner',
      exclusive: false,
    });
    try {
      // All three kinds of connections, and the one that listens.
      const listening = await database.listen?.({ channel: 'c', told: () => {}, lost: () => {} });
      const encrypted = [
        ...(await database.query<{ ssl: boolean }>(ENCRYPTED, [])),
        ...(await database.background<{ ssl: boolean }>(ENCRYPTED, [])),
        ...(await database.transaction((tx) => tx.query<{ ssl: boolean }>(ENCRYPTED, []))),
      ];
      await listening?.close();
      assert.is(new Set(encrypted.map(({ ssl }) => ssl)).size, 1);
      return encrypted[0]?.ssl ?? false;
    } finally {
      await database.close();
    }
  };
  test.before(async () => {
    await writeFile(ca, own.certificate);
    await writeFile(strange, (await certificateFor(folder, 'IP:127.0.0.1')).certificate);
  });
  test.after(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  test('the certificate of the server is verified against DATABASE_CA, by its address', async () => {
    assert.is(await open({ DATABASE_CA: ca }), true);
    assert.is(await open({ DATABASE_CA: ca, DATABASE_SSL: 'verify' }), true);
  });

  test('a certificate of somebody else is refused', async () => {
    assert.match((await rejection(open({ DATABASE_CA: strange }))).message, /self-signed certificate/);
    assert.match((await rejection(open({ DATABASE_SSL: 'verify' }))).message, /self-signed certificate/);
  });

  test('a certificate for another address is refused', async () => {
    const elsewhere = new URL(server.url);
    elsewhere.hostname = 'localhost';
    const error = await rejection(open({ DATABASE_CA: ca }, elsewhere.href));
    assert.match(error.message, /does not match certificate's altnames/);
  });

  test('require encrypts and verifies nothing; off does not encrypt; both overrule the URL', async () => {
    assert.is(await open({ DATABASE_SSL: 'require' }), true);
    assert.is(await open({ DATABASE_SSL: 'require' }, `${server.url}/postgres?sslmode=disable`), true);
    assert.is(await open({ DATABASE_SSL: 'off' }, `${server.url}/postgres?sslmode=require`), false);
    assert.is(await open({}), false);
  });

  test('settings that do not go together, or a file that is not there, are refused in one line', async () => {
    const both = await rejection(open({ DATABASE_CA: ca, DATABASE_SSL: 'require' }));
    assert.instance(both, ConfigError);
    assert.match(both.message, /^DATABASE_CA has no effect with DATABASE_SSL=require/);
    const missing = await rejection(open({ DATABASE_CA: join(folder, 'none.pem') }));
    assert.instance(missing, ConfigError);
    assert.match(missing.message, /^DATABASE_CA=.+none\.pem cannot be read: ENOENT/);
  });
}

test.run();

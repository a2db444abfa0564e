import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { constraintName, isConstraint, isTransient, sqlState } from './faults.ts';

const test = suite('faults');

/** As pg reports what the server said. */
const said = (code: string, more: object = {}): Error =>
  Object.assign(new Error('the server says no'), { code, severity: 'ERROR', ...more });
/** As Node reports what the network did. */
const network = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code, errno: -1 });

/** Each with whether the same work may succeed later. */
const table: readonly [name: string, error: unknown, transient: boolean][] = [
  ['a lost connection', said('08006'), true],
  ['a serialization failure', said('40001'), true],
  ['a deadlock', said('40P01'), true],
  ['a full disk', said('53100'), true],
  ['too many connections', said('53300'), true],
  ['a statement timeout', said('57014'), true],
  ['an administrator who ended the connection', said('57P01'), true],
  ['a server that crashed', said('57P02'), true],
  ['a server that is starting up', said('57P03'), true],
  ['an I/O error', said('58030'), true],
  ['a lock timeout', said('55P03'), true],
  ['a transaction idle for too long', said('25P03'), true],
  ['a primary that became a standby', said('25006'), true],
  ['a connection refused', network('ECONNREFUSED'), true],
  ['a connection reset', network('ECONNRESET'), true],
  ['a name that cannot be resolved now', network('EAI_AGAIN'), true],
  ['every address refused', new AggregateError([network('ECONNREFUSED'), network('ETIMEDOUT')]), true],
  ['a connection that ended by itself', new Error('Connection terminated unexpectedly'), true],
  ['a silent connection', new Error('Query read timeout'), true],
  ['a pool that is exhausted', new Error('timeout exceeded when trying to connect'), true],
  ['a pool that was closed', new Error('Cannot use a pool after calling end on the pool'), true],
  [
    'a client that broke before',
    new Error('Client has encountered a connection error and is not queryable'),
    true,
  ],
  ['a unique violation', said('23505'), false],
  ['a NUL in a text', said('22021'), false],
  ['an unknown table', said('42P01'), false],
  ['a wrong password', said('28P01'), false],
  ['a statement after a failed one', said('25P02'), false],
  ['a violated invariant of ours', new TypeError('x is not a function'), false],
  [
    'an address refused, another forbidden',
    new AggregateError([network('ECONNREFUSED'), network('EACCES')]),
    false,
  ],
  ['errors of which there are none', new AggregateError([]), false],
  ['a file that is missing', network('ENOENT'), false],
  ['an error that only looks like a SQLSTATE', Object.assign(new Error('x'), { code: '57014' }), false],
  ['null', null, false],
  ['undefined', undefined, false],
  ['a string', 'Connection terminated', false],
];

for (const [name, error, transient] of table) {
  test(`${name} is ${transient ? 'transient' : 'final'}`, () => {
    assert.is(isTransient(error), transient);
  });
}

test('a SQLSTATE is that of a server, not any code of five letters', () => {
  assert.is(sqlState(said('23505')), '23505');
  assert.is(sqlState(network('EPIPE')), undefined);
  assert.is(sqlState(Object.assign(new Error('x'), { code: 23_505, severity: 'ERROR' })), undefined);
  assert.is(sqlState(undefined), undefined);
});

test('a constraint is named when one refused the work, and only then', () => {
  for (const code of ['23502', '23503', '23505', '23514', '23P01']) assert.ok(isConstraint(said(code)));
  assert.not(isConstraint(said('22003')));
  assert.not(isConstraint(new Error('23505')));
  assert.is(constraintName(said('23505', { constraint: 'partner_pkey' })), 'partner_pkey');
  assert.is(constraintName(said('23502')), undefined);
  assert.is(constraintName(said('42P01', { constraint: 'partner_pkey' })), undefined);
});

test.run();

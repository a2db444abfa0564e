import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RowSet } from './row-set.ts';

const test = suite('a row set');

test('answers what was read, with what was changed since', () => {
  const rows = new RowSet([
    { id: 'a', n: 1 },
    { id: 'b', n: 2 },
  ]);
  rows.update({ id: 'b', n: 20 });
  rows.insert({ id: 'c', n: 3 });
  assert.equal(rows.get('b'), { id: 'b', n: 20 });
  assert.is(rows.get('x'), undefined);
  assert.is(rows.find((row) => row.n === 3)?.id, 'c');
  assert.is(
    rows.find((row) => row.n === 2),
    undefined,
  );
  assert.equal(
    rows.filter((row) => row.n > 2).map((row) => row.id),
    ['b', 'c'],
  );
});

test('writes each changed row once, in id order, as it is at the end', () => {
  const rows = new RowSet([
    { id: 'b', n: 1 },
    { id: 'a', n: 1 },
    { id: 'unchanged', n: 1 },
  ]);
  rows.update({ id: 'b', n: 2 });
  rows.update({ id: 'a', n: 2 });
  rows.update({ id: 'b', n: 3 });
  rows.insert({ id: 'z', n: 1 });
  rows.insert({ id: 'y', n: 1 });
  rows.update({ id: 'z', n: 2 }); // is still an insert
  assert.equal(rows.updated, [
    { id: 'a', n: 2 },
    { id: 'b', n: 3 },
  ]);
  assert.equal(rows.inserted, [
    { id: 'y', n: 1 },
    { id: 'z', n: 2 },
  ]);
});

test('refuses to insert a row that is there, and to update one that was not loaded', () => {
  const rows = new RowSet([{ id: 'a' }]);
  assert.throws(() => rows.insert({ id: 'a' }), 'row a exists already');
  assert.throws(() => rows.update({ id: 'b' }), 'row b was not loaded');
  assert.equal([...rows.inserted, ...rows.updated], []);
});

test.run();

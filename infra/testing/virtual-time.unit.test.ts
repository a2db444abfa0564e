import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep } from '../runtime.ts';
import { type VirtualTime, virtualTime } from './virtual-time.ts';

const test = suite('virtual time');

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Three processes that wait, draw and do I/O, one of which is killed and started again. */
const busyWorld = async (seed: number): Promise<{ lines: string[]; world: VirtualTime }> => {
  const lines: string[] = [];
  const world = virtualTime({ seed, onLine: (line) => lines.push(line) });
  const live = (name: string): void => {
    const process = world.incarnation(name);
    const work = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        await sleep(process.runtime, process.runtime.random() * 20);
        const id = await process.io('write', async () => {
          await turn();
          return process.runtime.uuid();
        });
        world.log(`${process.name} wrote ${id}`);
      }
    };
    work().catch(assert.unreachable);
    if (name !== 'mortal' || world.events > 0) return;
    world.schedule('kill', world.random.below(100), () => {
      process.crash();
      live('mortal');
    });
  };
  for (const name of ['a', 'b', 'mortal']) live(name);
  await world.run();
  return { lines, world };
};

test('the same seed writes the same log byte for byte, another seed another', async () => {
  const first = await busyWorld(7);
  const again = await busyWorld(7);
  const other = await busyWorld(8);
  assert.ok(first.lines.length > 200);
  assert.equal(again.lines, first.lines);
  assert.is(again.world.hash(), first.world.hash());
  assert.is.not(other.world.hash(), first.world.hash());
});

test('the hash depends on every line, and not on when it is asked for', async () => {
  const one = virtualTime({ seed: 1 });
  const two = virtualTime({ seed: 1 });
  const three = virtualTime({ seed: 1 });
  for (let i = 0; i < 2000; i++) {
    one.log(`line ${i}`);
    two.log(`line ${i}`);
    three.log(`line ${i === 3 ? 'x' : i}`);
    if (i % 100 === 0) two.hash();
  }
  assert.is(two.hash(), one.hash());
  assert.is.not(three.hash(), one.hash());
  assert.is(one.tail().at(-1), '0 line 1999');
  assert.is(one.tail().length, 500);
});

test('time jumps to the next event, and a task sees its own instant', async () => {
  const world = virtualTime({ seed: 1, start: 1_000 });
  const seen: number[] = [];
  world.schedule('late', 86_400_000, () => void seen.push(world.runtime.now()));
  world.runtime.after(5, () => seen.push(world.runtime.now()));
  world.runtime.after(-5, () => seen.push(world.runtime.now()));
  assert.is(await world.run(), 'quiescent');
  assert.equal(seen, [1_000, 1_005, 86_401_000]);
});

test('all that follows from an event without time passing runs before the next event', async () => {
  const world = virtualTime({ seed: 1 });
  const order: string[] = [];
  const chain = async (name: string): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      order.push(name);
      await Promise.resolve();
    }
  };
  world.schedule('a', 1, () => chain('a'));
  world.schedule('b', 1, () => chain('b'));
  await world.run();
  assert.is(order.join('').replace(/a+/, 'a').replace(/b+/, 'b').length, 2);
});

test('the seed orders the events of one instant', async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const world = virtualTime({ seed });
    const order: number[] = [];
    for (const i of [1, 2, 3]) world.runtime.after(1, () => order.push(i));
    await world.run();
    orders.add(order.join(''));
  }
  assert.is(orders.size, 6);
});

test('where only promises are awaited, all that follows from an event still comes before the next, in fewer turns', async () => {
  const run = async (promisesOnly: boolean): Promise<{ log: string; turns: number }> => {
    const world = virtualTime({ seed: 5, promisesOnly });
    let turns = 0;
    const count = (): void => {
      turns += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    for (let i = 0; i < 500; i++)
      world.schedule(`event ${i}`, i, async () => {
        for (let depth = 0; depth < 30; depth++) await Promise.resolve();
        world.log(`followed ${i}`);
      });
    await world.run();
    clearImmediate(counting);
    return { log: world.hash(), turns };
  };
  const quick = await run(true);
  const patient = await run(false);
  assert.is(quick.log, patient.log);
  assert.ok(patient.turns >= 500 && quick.turns < 100, `${patient.turns} and ${quick.turns} turns`);
});

test('an I/O runs wholly before anything else does, and answers at a virtual instant of the seed', async () => {
  const world = virtualTime({ seed: 3, slowestIoMs: 40 });
  const underWay = new Set<number>();
  const instants = new Set<number>();
  const answers: number[] = [];
  const began = world.runtime.now();
  for (let i = 0; i < 30; i++) {
    world.runtime.after(20, () => assert.is(underWay.size, 0));
    world
      .io('work', async () => {
        underWay.add(i);
        for (let n = 0; n < 3; n++) await turn();
        await new Promise((resolve) => setTimeout(resolve, 1));
        assert.is(underWay.size, 1);
        underWay.delete(i);
        return i;
      })
      .then((answer) => {
        answers.push(answer);
        instants.add(world.runtime.now() - began);
      }, assert.unreachable);
  }
  await world.run();
  assert.is(answers.length, 30);
  assert.not.equal(
    answers,
    answers.toSorted((a, b) => a - b),
    'the seed reorders them',
  );
  assert.ok(instants.size > 5);
  assert.ok([...instants].every((ms) => ms >= 0 && ms <= 40));
});

test('an I/O that fails rejects where it is awaited', async () => {
  const world = virtualTime({ seed: 1 });
  let message = '';
  world.schedule('begin', 0, async () => {
    await world
      .io('fail', () => Promise.reject(new Error('disk full')))
      .catch((e: Error) => {
        message = e.message;
      });
  });
  await world.run();
  assert.is(message, 'disk full');
});

test('what a crashed process awaits never resolves, and its timers never fire', async () => {
  const world = virtualTime({ seed: 1, slowestIoMs: 100 });
  const process = world.incarnation('p');
  const after: string[] = [];
  let release = (): void => {};
  const outside = new Promise<void>((resolve) => {
    release = resolve;
  });
  process.runtime.after(50, () => after.push('timer'));
  const watch = (name: string, promise: Promise<unknown>): void => {
    promise.then(
      () => after.push(name),
      () => after.push(name),
    );
  };
  watch('sleep', sleep(process.runtime, 50));
  watch(
    'call',
    process.call(() => outside),
  );
  watch(
    'rejected call',
    process.call(() => outside.then(() => Promise.reject(new Error('no')))),
  );
  world.schedule('crash', 0, () => {
    watch(
      'io',
      process.io('write', () => {}),
    );
    process.crash();
    process.runtime.after(0, () => after.push('new timer'));
    watch(
      'new io',
      process.io('write', () => after.push('new effect')),
    );
    watch(
      'new call',
      process.call(async () => after.push('new call effect')),
    );
    release();
  });
  assert.is(await world.run(), 'quiescent');
  assert.equal(after, []);
  assert.not(process.alive);
});

test('a crash falls before, between or after the effect of an I/O and its answer', async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const world = virtualTime({ seed, slowestIoMs: 20 });
    const process = world.incarnation('p');
    let outcome = 'nothing';
    process
      .io('write', () => {
        outcome = 'effect';
      })
      .then(() => {
        outcome = 'answer';
      }, assert.unreachable);
    world.schedule('crash', world.random.below(20), () => process.crash());
    await world.run();
    seen.add(outcome);
  }
  assert.equal([...seen].sort(), ['answer', 'effect', 'nothing']);
});

test('a crash is told once, and the next incarnation has a life of its own', async () => {
  const world = virtualTime({ seed: 1 });
  const first = world.incarnation('p');
  let told = 0;
  first.onCrash(() => told++);
  first.crash();
  first.crash();
  assert.is(told, 1);
  const second = world.incarnation('p');
  assert.is.not(second.name, first.name);
  let woke = false;
  second.runtime.after(1, () => {
    woke = true;
  });
  await world.run();
  assert.ok(woke);
});

test('one process that draws does not shift the chance of another', async () => {
  const draws = (greedy: boolean): number[] => {
    const world = virtualTime({ seed: 5 });
    const [a, b] = [world.incarnation('a'), world.incarnation('b')];
    if (greedy) for (let i = 0; i < 100; i++) a.runtime.random();
    return [b.runtime.random(), b.runtime.random(), world.random.next()];
  };
  assert.equal(draws(true), draws(false));
});

test('a run ends when its condition holds, at its horizon, or when nothing is left to happen', async () => {
  const world = virtualTime({ seed: 1 });
  const began = world.runtime.now();
  let ticks = 0;
  const tick = (): void => {
    ticks++;
    if (ticks < 100) world.runtime.after(10, tick);
  };
  tick();
  assert.is(await world.run({ until: () => ticks === 10 }), 'until');
  assert.is(ticks, 10);
  assert.is(await world.run({ horizonMs: 105 }), 'horizon');
  assert.is(ticks, 20);
  assert.is(world.runtime.now() - began, 90 + 105);
  assert.is(await world.run(), 'quiescent');
  assert.is(ticks, 100);
});

test('a run fails when no event is left and its condition does not hold', async () => {
  const world = virtualTime({ seed: 1 });
  world.runtime.after(1, () => {});
  let message = '';
  await world.run({ until: () => false }).catch((error: Error) => {
    message = error.message;
  });
  assert.match(message, 'No event is left');
});

test('a run fails with the error of a task, thrown or rejected', async () => {
  for (const task of [
    () => {
      throw new Error('broken');
    },
    async () => {
      await Promise.resolve();
      throw new Error('broken');
    },
  ]) {
    const world = virtualTime({ seed: 1 });
    world.schedule('break', 1, task);
    world.runtime.after(2, () => {});
    let message = '';
    await world.run().catch((error: Error) => {
      message = error.message;
    });
    assert.is(message, 'broken');
  }
});

test('what takes some turns of the loop to follow from an event is not taken for quiescence', async () => {
  const world = virtualTime({ seed: 1 });
  let done = false;
  world.schedule('begin', 0, async () => {
    for (let i = 0; i < 5; i++) await turn();
    await sleep(world.runtime, 10);
    done = true;
  });
  await world.run({ until: () => done });
  assert.ok(done);
});

test('a hundred thousand events a second run on memory alone', async () => {
  const world = virtualTime({ seed: 1 });
  let rest = 100_000;
  const tick = (): void => {
    if (rest-- > 0) world.runtime.after(world.random.below(10), tick);
  };
  for (let i = 0; i < 50; i++) tick();
  const began = performance.now();
  await world.run();
  // a quarter of the aim, so that a busy machine does not fail it
  assert.ok(performance.now() - began < 4_000);
});

test.run();

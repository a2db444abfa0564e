import { inventoryDesk } from './inventory-desk.ts';
import { type Playable, play, poll } from './play.ts';
import { check } from './saga-view.ts';

/** The flow of the inventory's own document, and that a read is kept until something changes. */
export const inventarioCqrs: Playable = {
  name: 'inventario-cqrs',
  summary: 'Commands are operations, reads are kept: an item is created, reserved, read twice, and deleted.',
  run: (options) =>
    play('inventario-cqrs', [], options, async ({ note }) => {
      const desk = inventoryDesk(options);
      const sku = `PROD-${options.uuid()}`;
      const key = { 'idempotency-key': options.uuid() };
      const body = {
        sku,
        name: 'Producto de Prueba',
        description: 'Descripción del producto',
        quantity: 100,
      };
      const accepted = await desk.send('POST', '', body, key);
      const { id } = (accepted.json ?? {}) as { id?: string };
      const created = await desk.outcome(accepted);
      note(check('the creation is DONE', created === 'DONE', () => created));
      const repeated = await desk.send('POST', '', body, key);
      note(check('a repeat is answered the same', repeated.text === accepted.text, () => repeated.text));
      note(await desk.becomes('its SKU finds 100 units', `sku/${sku}`, '100 0 100'));

      const reserved = await desk.outcome(await desk.send('POST', `/${id}/reserve`, { quantity: 10 }));
      note(check('the reservation is DONE', reserved === 'DONE', () => reserved));
      note(await desk.becomes('10 of 100 are reserved', `${id}`, '100 10 90'));
      const kept = await poll(options, async () =>
        (await desk.stock(`${id}`)).kept === 'HIT' ? 'HIT' : undefined,
      );
      note(check('a read that was made before is a HIT', kept !== undefined, () => 'MISS'));

      const tooMuch = await desk.outcome(await desk.send('POST', `/${id}/reserve`, { quantity: 91 }));
      note(check('more than is available is REJECTED', tooMuch === 'REJECTED', () => tooMuch));
      const busy = await desk.outcome(await desk.send('DELETE', `/${id}`));
      note(check('what is reserved is not deleted', busy === 'REJECTED', () => busy));
      await desk.done('POST', `/${id}/release`, { quantity: 10 }, 200);
      note(await desk.becomes('all are available again', `${id}`, '100 0 100'));
      const gone = await desk.outcome(await desk.send('DELETE', `/${id}`));
      note(check('then it is', gone === 'DONE', () => gone));
      const found = await poll(options, async () =>
        (await desk.send('GET', `/${id}`)).status === 404 ? 404 : undefined,
      );
      note(check('and nothing finds it', found !== undefined, () => 'it is still found'));
    }),
};

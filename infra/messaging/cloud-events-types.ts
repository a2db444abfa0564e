import { contracts } from '@cordada/schemas';

/**
 * The CloudEvents types that differ from the usual `cordada.<owner>.<Contract>`: those of systems.md §3, which the
 * clients of its document know. By topic. Readers go by the topic and by `ce-dataschema`, never by the type.
 */
export const cloudEventsTypes: ReadonlyMap<string, string> = new Map([
  [contracts.ItemCreado.topic, 'inventory.items.created'],
  [contracts.ItemActualizado.topic, 'inventory.items.updated'],
  [contracts.ItemEliminado.topic, 'inventory.items.deleted'],
  [contracts.ExistenciaAjustada.topic, 'inventory.stock.adjusted'],
  [contracts.ExistenciaReservada.topic, 'inventory.stock.reserved'],
  [contracts.ExistenciaLiberada.topic, 'inventory.stock.released'],
]);

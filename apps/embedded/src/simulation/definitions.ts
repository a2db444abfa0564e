import { campaignSaga } from '@cordada/sagas/campaign.saga.ts';
import { compraSaga } from '@cordada/sagas/compra.saga.ts';
import type { Definition } from '@cordada/sagas/engine/definition.ts';
import type { Instance } from '@cordada/sagas/engine/instance.ts';

/** The sagas that are simulated. */
export const definitions = { campaign: campaignSaga, compra: compraSaga } as const;
export type Tipo = keyof typeof definitions;

export const tipoOf = ({ tipo }: Pick<Instance, 'tipo'>): Tipo => (tipo === 'compra' ? 'compra' : 'campaign');

/** What a saga goes by: the definition of its kind, or of what undoes one of that kind. */
export const definitionOf = (saga: Pick<Instance, 'tipo' | 'origin'>): Definition => {
  const own = definitions[tipoOf(saga)];
  return saga.origin.deshace && own.undo ? own.undo : own;
};

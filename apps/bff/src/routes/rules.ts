import { access } from '@cordada/infra/http/access.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import Type from 'typebox';
import { errors } from '../documents.ts';
import type { BffParts } from '../parts.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO') };
const idParams = Type.Object({ id: Type.String({ minLength: 1 }) });

const suspension = Type.Object(
  { suspendido: Type.Boolean(), motivo: Type.Union([Type.String(), Type.Null()]) },
  { examples: [{ suspendido: true, motivo: 'Incumplió el contrato' }] },
);
const tracking = Type.Object({ activo: Type.Boolean() }, { examples: [{ activo: false }] });

/** The rules by which services refuse: plain HTTP to their owner, answered after its commit, audited there. */
export const addRuleRoutes = (app: Server, { partner, tracking: trackingService }: BffParts): void => {
  const suspensionOf = (id: string): string[] => ['participantes', id, 'suspension'];
  const trackingOf = (id: string): string[] => ['marcas', id, 'tracking'];

  app.get(
    '/api/participantes/:id/suspension',
    {
      config,
      schema: {
        tags: ['reglas'],
        summary: 'Si un participante está suspendido',
        description: 'Quien nunca fue suspendido no lo está.',
        params: idParams,
        response: { 200: suspension, '4xx': errors, '5xx': errors },
      },
    },
    (origin) => partner.call({ method: 'GET', path: suspensionOf(origin.params.id), origin }),
  );

  app.put(
    '/api/participantes/:id/suspension',
    {
      config,
      schema: {
        tags: ['reglas'],
        summary: 'Suspende a un participante, o lo readmite',
        description:
          'Un participante suspendido no se registra en ninguna campaña: la saga se compensa. Repetido deja lo mismo: no usa `Idempotency-Key`.',
        params: idParams,
        body: Type.Object(
          {
            suspendido: Type.Boolean(),
            motivo: Type.Optional(Type.String({ maxLength: 1000 })),
          },
          {
            additionalProperties: false,
            examples: [{ suspendido: true, motivo: 'Incumplió el contrato' }],
          },
        ),
        response: { 200: suspension, '4xx': errors, '5xx': errors },
      },
    },
    (request) =>
      partner.call({
        method: 'PUT',
        path: suspensionOf(request.params.id),
        body: { ...request.body, quien: request.caller.name },
        origin: request,
      }),
  );

  app.get(
    '/api/marcas/:id/tracking',
    {
      config,
      schema: {
        tags: ['reglas'],
        summary: 'Si el tracking de una marca está activo',
        description: 'Lo está mientras nadie lo apague.',
        params: idParams,
        response: { 200: tracking, '4xx': errors, '5xx': errors },
      },
    },
    (origin) => trackingService.call({ method: 'GET', path: trackingOf(origin.params.id), origin }),
  );

  app.put(
    '/api/marcas/:id/tracking',
    {
      config,
      schema: {
        tags: ['reglas'],
        summary: 'Apaga o enciende el tracking de una marca',
        description:
          'Apagado, no se registra ningún evento de la marca: la saga se compensa. Repetido deja lo mismo: no usa `Idempotency-Key`.',
        params: idParams,
        body: Type.Object(
          { activo: Type.Boolean() },
          { additionalProperties: false, examples: [{ activo: false }] },
        ),
        response: { 200: tracking, '4xx': errors, '5xx': errors },
      },
    },
    (request) =>
      trackingService.call({
        method: 'PUT',
        path: trackingOf(request.params.id),
        body: { ...request.body, quien: request.caller.name },
        origin: request,
      }),
  );
};

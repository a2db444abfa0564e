import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import Type from 'typebox';
import { errors, operation } from '../documents.ts';
import { findOperation } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };

/** Where the outcome of every single write is read, whoever carries it out. */
export const addOperationRoutes = (app: Server, parts: BffParts): void => {
  // admin-productos knows what it has accepted, and consolidador how that ended.
  const owners = [parts.partner, parts.tracking, parts.consolidador, parts['admin-productos']];
  for (const url of ['/api/operations/:id', '/api/v1/operations/:id'])
    app.get(
      url,
      {
        config,
        schema: {
          tags: ['consultas'],
          summary: 'Cómo acabó una escritura',
          description: 'PENDING hasta que su dueño decide; después DONE, o REJECTED con el motivo.',
          params: Type.Object({ id: Type.String() }),
          response: { 200: operation, '4xx': errors, '5xx': errors },
        },
      },
      async (request) => {
        const { id } = request.params;
        const missing = () => notFound(`No existe la operación ${id}`, { 'retry-after': '1' });
        if (!isUuid(id)) throw missing();
        const answers = await Promise.allSettled(owners.map((owner) => findOperation(owner, id, request)));
        const known = answers.flatMap((answer) =>
          answer.status === 'fulfilled' && answer.value !== undefined ? [answer.value] : [],
        );
        const decided = known.find(({ estado }) => estado !== 'PENDING');
        if (decided) return decided;
        // Only when each of them has answered is it known that none has decided, or that there is none.
        for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
        const [pending] = known;
        if (pending) return pending;
        throw missing();
      },
    );
};

import Type, { type TObject, type TString } from 'typebox';

const exampleSaga = '0199a1f0-7c3e-7000-8000-3f8a4f1f7d52';

/** A text of `least` to `most` code points. */
export const text = (least: 0 | 1, most: number, options: { readonly description?: string } = {}): TString =>
  Type.String({ ...options, minLength: least, maxLength: most });

/** The longest id, name or brand, in code points: two of them fit into a row of an index in any script. */
export const SHORT_TEXT = 200;
/** The longest `informacion_perfil`, in code points. */
export const LONG_TEXT = 2_000;

export const tipoParticipante = Type.Union([Type.Literal('afiliado'), Type.Literal('influencer')]);

/** A header of an error answer is told by its status; its body is the same everywhere. */
export const errors: TObject = Type.Object(
  {
    errors: Type.Array(
      Type.Object({
        status: Type.String(),
        code: Type.String(),
        title: Type.String(),
        detail: Type.String(),
        source: Type.Optional(
          Type.Object({
            pointer: Type.Optional(Type.String()),
            parameter: Type.Optional(Type.String()),
            header: Type.Optional(Type.String()),
          }),
        ),
      }),
    ),
  },
  {
    description: 'Error, según JSON:API',
    examples: [
      {
        errors: [
          { status: '404', code: 'NO_ENCONTRADO', title: 'Not Found', detail: 'No existe la campaña 7' },
        ],
      },
    ],
  },
);

/** Headers that a write may bear; they are read and checked elsewhere, here they are documented. */
export const waitHeader = {
  prefer: Type.Optional(
    Type.String({
      description: '`wait=n`: esperar hasta n segundos (60 como mucho) a que se sepa el resultado',
      examples: ['wait=10'],
    }),
  ),
};

export const postHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description: 'De 1 a 255 caracteres ASCII visibles; la repetición recibe la misma respuesta',
      examples: ['pedido-2026-0042'],
    }),
  ),
  ...waitHeader,
});

/** A saga that has been accepted. */
export const acceptedSaga = Type.Object(
  {
    id: Type.String({ description: 'La saga' }),
    tipo: Type.String(),
    estado: Type.Optional(Type.String({ description: 'Como estaba al aceptarse' })),
    enlace: Type.String({ description: 'Dónde leer cómo va y cómo acabó' }),
    id_campaign: Type.Optional(Type.String({ description: 'La campaña que la saga registra' })),
  },
  {
    description: 'Aceptada: en `Location` se lee cómo va',
    examples: [
      {
        id: exampleSaga,
        tipo: 'campaign',
        estado: 'RUNNING',
        enlace: `/api/sagas/campaign/${exampleSaga}`,
        id_campaign: 'b0b9a2f8-6f54-5a1b-9f0e-1d2c3b4a5968',
      },
    ],
  },
);

/** How a single write ended, or that it has not. */
export const operation = Type.Object(
  {
    operationId: Type.String(),
    estado: Type.Union([Type.Literal('PENDING'), Type.Literal('DONE'), Type.Literal('REJECTED')]),
    recurso: Type.Optional(Type.String({ description: 'El id de lo registrado o cancelado' })),
    error: Type.Optional(Type.Object({ codigo: Type.String(), motivo: Type.String() })),
  },
  {
    description: 'Cómo acabó una escritura',
    examples: [
      {
        operationId: exampleSaga,
        estado: 'DONE',
        recurso: 'b0b9a2f8-6f54-5a1b-9f0e-1d2c3b4a5968',
      },
    ],
  },
);

/** A single write that has been accepted. */
export const acceptedOperation = Type.Object(
  {
    operationId: Type.String(),
    estado: Type.Literal('PENDING', { description: 'Como estaba al aceptarse' }),
    enlace: Type.String({ description: 'Dónde leer cómo acabó' }),
    id_partner: Type.Optional(Type.String({ description: 'El partner que se registra' })),
    id_evento: Type.Optional(Type.String({ description: 'El evento que se registra' })),
  },
  {
    description: 'Aceptada: en `Location` se lee cómo acabó',
    examples: [
      {
        operationId: exampleSaga,
        estado: 'PENDING',
        enlace: `/api/operations/${exampleSaga}`,
        id_partner: '2f0c7d31-9b1e-5c52-8d0a-7e6f5a4b3c2d',
      },
    ],
  },
);

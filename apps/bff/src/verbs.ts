import Type from 'typebox';

/** Why an operator does it: what the audit keeps. Not blank, at most 1,000 code points. */
export const motivo = Type.String({
  description: 'Por qué: queda en la auditoría',
  minLength: 1,
  pattern: '^(?=[\\s\\S]*\\S)[\\s\\S]{1,1000}$',
});

/** What a verb is sent with besides its body. */
export const verbHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        'De 1 a 255 caracteres ASCII visibles. Un verbo solo actúa sobre lo que sigue detenido: repetido no tiene efecto dos veces',
      examples: ['turno-2026-03-01-7'],
    }),
  ),
});

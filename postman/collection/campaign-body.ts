/** The body of `POST /campaña-commando` for the variables that `newCampaign()` sets. */
export const campaignBody = {
  nombre: '{{nombre}}',
  presupuesto: '9007199254740993.25',
  divisa: 'COP',
  marca_id: '{{marca}}',
  participantes: [
    {
      id: '{{participante1}}',
      tipo: 'influencer',
      nombre: 'Ñandú Gómez',
      informacion_perfil: 'Cuentos cortos, 12 000 seguidores',
    },
    { id: '{{participante2}}', tipo: 'afiliado', nombre: 'Tienda Ocaña', informacion_perfil: 'Papelería' },
    {
      id: '{{participante3}}',
      tipo: 'influencer',
      nombre: '陈美玲 🎧',
      informacion_perfil: 'Música en vivo',
    },
  ],
};

/** A campaign of one participant, where more would only be longer. */
export const smallCampaignBody = { ...campaignBody, participantes: campaignBody.participantes.slice(0, 1) };

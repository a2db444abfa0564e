import {
  expectStatus,
  type Playable,
  play,
  pollToRest,
  type ScenarioOptions,
  ScenarioStopped,
} from './play.ts';
import { checkLeft } from './resources.ts';
import { check, checkMessages, checkStream } from './saga-view.ts';
import { type CampaignRequest, freshCampaign, type Scenario } from './scenario.ts';

/**
 * A campaign's scenario: sets its rules, asks for a campaign of fresh ids, watches the saga to its end, then reads
 * everything back and compares.
 */
export const campaignScenario = (scenario: Scenario): Playable => ({
  name: scenario.name,
  summary: scenario.summary,
  run(options) {
    const { bff, narrator } = options;
    const { expected } = scenario;
    const request = freshCampaign(scenario.participants, options.uuid);
    return play(scenario.name, scenario.rules(request), options, async ({ watched, note, ending }) => {
      ending.saga = await requestCampaign(request, options);
      narrator.requested('POST /campaña-commando', ending.saga);
      watched.show(ending.saga);
      const view = await pollToRest('campaign', ending.saga, options);
      const { estado } = view;
      ending.estado = estado;
      await watched.toRest(ending.saga);
      narrator.ended(estado);
      note(check(`the saga ended ${expected.end}`, estado === expected.end, () => estado));
      note(check('no step remains', view.restantes.length === 0, () => JSON.stringify(view.restantes)));
      const contracts = view.mensajes.map(({ contrato }) => contrato);
      for (const one of checkMessages(expected, contracts)) note(one);
      note(checkStream(watched.moves(ending.saga), expected.end));
      for (const one of await checkLeft(request, expected, bff)) note(one);
    });
  },
});

const requestCampaign = async (request: CampaignRequest, { bff, uuid }: ScenarioOptions): Promise<string> => {
  const answer = await bff.send('POST', '/campaña-commando', request, { 'idempotency-key': uuid() });
  expectStatus(answer, 202);
  const saga = /^\/api\/sagas\/campaign\/([^/]+)\/?$/.exec(answer.headers.get('location') ?? '')?.[1];
  if (saga === undefined)
    throw new ScenarioStopped(`202 without a saga to read: ${answer.headers.get('location')}`);
  return saga;
};

import type { Manifest } from './manifest.ts';

/**
 * Who reacts to what, as a Mermaid flowchart. An event is an arrow from the service that emits it to each that
 * consumes it; the commands of a service stand before it, since the manifest knows who receives them and not who sends.
 */
export const reactionMap = ({ topics, subscriptions }: Manifest): string => {
  const contractsByArrow = new Map<string, { from: string; to: string; contracts: string[] }>();
  for (const subscription of subscriptions.values()) {
    for (const name of subscription.topics) {
      const topic = topics.get(name);
      if (!topic)
        throw new Error(`The subscription ${subscription.name} names ${name}, which is not a topic`);
      const { contract, owner } = topic;
      const arrow = `${owner} ${subscription.service}`;
      const drawn = contractsByArrow.get(arrow) ?? { from: owner, to: subscription.service, contracts: [] };
      drawn.contracts.push(contract);
      contractsByArrow.set(arrow, drawn);
    }
  }
  const lines = ['flowchart LR'];
  for (const { from, to, contracts } of contractsByArrow.values()) {
    const label = contracts.join('<br/>');
    if (from === to) lines.push(`  ${to}-commands(["${label}"]) --> ${to}`);
    else lines.push(`  ${from} -- "${label}" --> ${to}`);
  }
  return `${lines.join('\n')}\n`;
};

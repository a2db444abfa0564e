import { send } from './send.ts';

/** What a client knows of the DELETEs that it has sent of one thing. */
export interface Deletions {
  /** One was answered with a 202. */
  promised: boolean;
  /** How many have had no answer that tells: each may have been obeyed. A later refusal takes nothing of that back. */
  unanswered: number;
}

export const noDeletions = (): Deletions => ({ promised: false, unanswered: 0 });

/** Whether one of them may have been obeyed. */
export const mayBeDeleted = ({ promised, unanswered }: Deletions): boolean => promised || unanswered > 0;

/** Asks for the undoing of what is at `url`. A lost answer is no error. */
export const sendDelete = async (url: string, deletions: Deletions): Promise<void> => {
  deletions.unanswered += 1;
  try {
    const { status } = await send(url, { method: 'DELETE' });
    if (status === 202) deletions.promised = true;
    if (status < 500) deletions.unanswered -= 1;
  } catch {
    // the process died before it answered
  }
};

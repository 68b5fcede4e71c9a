/** A law that was broken: which, and by what. */
export interface Breach {
  readonly law: string
  readonly detail: string
}

/** Throws unless something holds. What is thrown ends the run and becomes its breach. */
export class Broken extends Error {
  readonly breach: Breach

  constructor(law: string, detail: string) {
    super(`${law}: ${detail}`)
    this.breach = { law, detail }
  }
}

/** The laws that every actor is held to, whatever it does. */
export const INVARIANTS = {
  history: "an actor has one history: each record follows the one before it",
  once: "a message has its effect once",
  key: "a key stands for one message",
  order: "messages take effect in the order of the log",
  mailbox: "what an actor decides on lies in its mailbox",
  timer: "a timer fires once, and never after it was cancelled or set anew",
  due: "a timer fires no earlier than it is due",
  outcome: "the outcome of an activity is taken once",
  begun: "an activity runs, and a timer fires, only of a step that is stored",
  fold: "state is what folding the journal gives",
  pure: "deciding again gives the same",
  whole: "a step is stored with all that it asks for",
  closed: "an actor that stops closes what is open",
  over: "an actor that has stopped decides nothing",
  complete: "an actor that keeps its complete history loses nothing of it",
  kept: "no mail is removed before it is done",
  answer: "an answer tells only of what is committed",
  stale: "an answer tells of all that lies before its question",
  event: "no event is visible without its commit",
  every: "every accepted message has its effect",
  rest: "nothing is left undone once all faults are healed",
  alive: "a node does not break"
} as const

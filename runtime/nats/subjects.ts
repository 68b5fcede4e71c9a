import { type Address, ANY_ROLE } from "../address.ts"
import type { Selection } from "../archive.ts"

/** What can be asked for at a door: a message to an actor, events, all that is stored, and what operators do. */
export type DoorName = "mail" | "events" | "look" | "operate"

/** The subjects of one namespace, built and parsed in one place. */
export interface Subjects {
  /** What all subjects of the stream begin with. */
  readonly root: string
  readonly stream: string
  readonly bucket: string
  readonly controls: string
  readonly stored: ReadonlyArray<string>
  readonly mail: (shard: string, owner: Address) => string
  readonly mailOfShard: (shard: string) => string
  readonly mailOfRole: (role: string) => string
  /** Of one type, in one shard of a role or all of them. */
  readonly mailOfType: (role: string, type: string, number?: string) => string
  readonly parseMail: (subject: string) => { readonly shard: string; readonly to: Address }
  readonly journal: (owner: Address) => string
  readonly timer: (shard: string, owner: Address, name: string) => string
  /** What removes schedules of a shard that are due. */
  readonly unscheduled: (shard: string) => string
  readonly dead: (owner: Address) => string
  /** Everything of a kind that belongs to some actors: of a type, of an id, of both, or of all. */
  readonly selected: (kind: "mail" | "journal" | "timer" | "dead", selection: Selection) => string
  /** Whose a journal record or dead letter is. */
  readonly parseOwner: (subject: string) => Address
  readonly parseTimer: (subject: string) => string
  readonly event: (subject: string) => string
  readonly live: (pattern: string) => string
  /** The event's own subject, of the subject it was republished under. */
  readonly parseLive: (subject: string) => string
  readonly inbox: (client: string) => string
  /** Whether answers to asks may go there. */
  readonly isInbox: (subject: string) => boolean
  readonly broadcast: string
  /** Where who may not touch the stream asks nodes to. */
  readonly door: (name: DoorName) => string
  readonly keyOfLease: string
  readonly keyOfControl: string
}

/** A user's name, if it has one, and an id. */
const CLIENT = /^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64})?$/

/**
 * An id as one token of a subject: a dot is written `%2E`. An id that holds `%2E` itself, or `%252E` and so on, gets another `25`; all others
 * are as they are.
 */
const tokenOf = (id: string): string => id.replaceAll(/%(?=(?:25)*2E)/g, "%25").replaceAll(".", "%2E")
const idOf = (token: string): string =>
  token.replaceAll(/%((?:25)*)2E/g, (_, more: string) => (more === "" ? "." : `%${more.slice(2)}2E`))

/** Subjects under a namespace such as `conclave`; its stream and buckets are `CONCLAVE`, `CONCLAVE_LEASES` and `CONCLAVE_CONTROLS`. */
export const makeSubjects = (namespace: string): Subjects => {
  const stream = namespace.toUpperCase()
  const live = `${namespace}.live.`
  const mail = `${namespace}.mail.`
  const dead = `${namespace}.dead.`
  const reply = `${namespace}.reply.`
  return {
    root: `${namespace}.`,
    stream,
    bucket: `${stream}_LEASES`,
    controls: `${stream}_CONTROLS`,
    stored: ["mail", "journal", "timer", "event", "dead"].map((kind) => `${namespace}.${kind}.>`),
    mail: (shard, owner) => `${mail}${shard}.${owner.type}.${tokenOf(owner.id)}`,
    mailOfShard: (shard) => `${mail}${shard}.>`,
    mailOfRole: (role) => `${mail}${role}.>`,
    mailOfType: (role, type, number = "*") => `${mail}${role}.${number}.${type}.*`,
    parseMail: (subject) => {
      const idStart = subject.lastIndexOf(".")
      const typeStart = subject.lastIndexOf(".", idStart - 1)
      const shard = subject.slice(mail.length, typeStart)
      const role = shard.slice(0, shard.indexOf("."))
      const to = { type: subject.slice(typeStart + 1, idStart), id: idOf(subject.slice(idStart + 1)) }
      return { shard, to: role === ANY_ROLE ? to : { ...to, role } }
    },
    journal: (owner) => `${namespace}.journal.${owner.type}.${tokenOf(owner.id)}`,
    timer: (shard, owner, name) => `${namespace}.timer.${shard}.${owner.type}.${tokenOf(owner.id)}.${name}`,
    unscheduled: (shard) => `${namespace}.timer.${shard}`,
    dead: (owner) => `${dead}${owner.type}.${tokenOf(owner.id)}`,
    selected: (kind, { type = "*", id }) => {
      const shard = kind === "mail" || kind === "timer" ? "*.*." : ""
      return `${namespace}.${kind}.${shard}${type}.${id === undefined ? "*" : tokenOf(id)}${kind === "timer" ? ".>" : ""}`
    },
    parseOwner: (subject) => {
      const [type = "", id = ""] = subject.split(".").slice(2)
      return { type, id: idOf(id) }
    },
    // A timer's name may hold dots: it is all that follows the actor.
    parseTimer: (subject) => subject.split(".").slice(6).join("."),
    event: (subject) => `${namespace}.event.${subject}`,
    live: (pattern) => live + pattern,
    parseLive: (subject) => subject.slice(live.length),
    broadcast: `${namespace}.broadcast`,
    inbox: (client) => `${reply}${client}`,
    isInbox: (subject) => subject.startsWith(reply) && CLIENT.test(subject.slice(reply.length)),
    door: (name) => `${namespace}.door.${name}`,
    keyOfLease: `$KV.${stream}_LEASES.`,
    keyOfControl: `$KV.${stream}_CONTROLS.`
  }
}

import { createInbox, type NatsConnection, Nuid } from "@nats-io/transport-node"
import { parseServers } from "./address.ts"

/**
 * Where answers go. Each user of NATS has inboxes of its own, `_INBOX.<name>.…` and `<namespace>.reply.<name>.…`, so that nobody
 * may hear what others are answered.
 */
export interface InboxOptions {
  readonly url: string
  /** What the user's inboxes are called; the user's name in `url` unless given, and without one they have no name. */
  readonly inbox?: string | undefined
}

const NAME = /[^A-Za-z0-9_-]/g
const NAME_CHARACTERS_MAX = 64

/** What the inboxes of this user are called; nothing where there are no users. */
export const inboxName = ({ url, inbox }: InboxOptions): string | undefined =>
  (inbox ?? parseServers(url).user)?.replace(NAME, "-").slice(0, NAME_CHARACTERS_MAX)

/** What all inboxes of one connection begin with, and none of another. */
export const inboxPrefix = (options: InboxOptions): string => {
  const name = inboxName(options)
  return `${ROOT}${name === undefined ? "" : `.${name}`}.${secretId()}`
}

/** An id that nobody can guess from others: those of one process follow one another, and some are published. */
export const secretId = (): string => new Nuid().next()

const prefixes = new WeakMap<NatsConnection, string>()

/** All inboxes of a connection begin with this. */
export const keepPrefix = (connection: NatsConnection, prefix: string): void => void prefixes.set(connection, prefix)

/** An inbox of a connection that nobody knows yet. */
export const inboxOf = (connection: NatsConnection): string => createInbox(prefixOf(connection))

const ROOT = "_INBOX"
const INBOX = /^_INBOX(\.[A-Za-z0-9_-]{1,64}){1,6}$/

/**
 * Whether somebody who asked may be answered there. The server lets everybody name any subject as that of the answer: one
 * of the stream, of a bucket, of JetStream or one of our own would be written to with our rights.
 */
export const isInboxOfOthers = (connection: NatsConnection, subject: string | undefined): subject is string =>
  subject !== undefined && INBOX.test(subject) && !subject.startsWith(`${prefixOf(connection)}.`)

const prefixOf = (connection: NatsConnection): string => prefixes.get(connection) ?? ROOT

import { Effect } from "effect"
import { type Address, addressFault, formatAddress, type InvalidAddress } from "../address.ts"
import type { ArchiveReads, StoredLetter, StoredMail } from "../archive.ts"
import { readLetter } from "../dead-letters.ts"
import type { ReadError } from "../errors.ts"
import { NoSuchActor } from "../inspection.ts"
import type { JournalRecord } from "../log.ts"

/** What is stored of an actor: all there is for it to be replayed. */
export interface Recording {
  readonly address: Address
  /** The journal, oldest first. */
  readonly records: ReadonlyArray<JournalRecord>
  /** Messages to it that are there still, oldest first. */
  readonly mail: ReadonlyArray<StoredMail>
}

const PAGE = 500
/** A journal that is cut short while it is read is read again, so often. */
const ATTEMPTS_MAX = 5
/** A dead letter keeps so much of a message that is none, or too large. What is as long may be cut. */
const LETTER_CHARACTERS = 10_000

/**
 * Reads what is stored of an actor: its journal, its mail, and the messages among its dead letters. It only reads: the actor
 * does not notice. All of it is held in memory.
 */
export const readRecording = Effect.fn("Operators.recording")(function* (
  archive: ArchiveReads,
  address: Address
): Effect.fn.Return<Recording, ReadError | NoSuchActor | InvalidAddress> {
  const invalid = addressFault(address)
  if (invalid !== undefined) return yield* invalid
  // The mail first: what is decided meanwhile goes into the journal before it is removed.
  const mail = yield* allOf((after) => archive.mail(address, after, PAGE))
  const records = yield* readJournal(archive, address, ATTEMPTS_MAX)
  const letters = yield* allOf((after) => archive.letters(address, after, PAGE))
  if (records.length + mail.length + letters.length === 0) {
    return yield* new NoSuchActor({ actor: formatAddress(address) })
  }
  return { address, records, mail: withLetters(mail, letters) }
})

const readJournal = (
  archive: ArchiveReads,
  address: Address,
  attempts: number
): Effect.Effect<ReadonlyArray<JournalRecord>, ReadError> =>
  Effect.gen(function* () {
    const records = yield* allOf((after) => archive.history(address, after, PAGE))
    const [first] = yield* archive.history(address, 0, 1)
    if (first?.sequence === records[0]?.sequence || attempts === 1) return records
    return yield* readJournal(archive, address, attempts - 1)
  })

/** The messages that are in no mailbox any more, from the letters they are in. */
const withLetters = (
  mail: ReadonlyArray<StoredMail>,
  letters: ReadonlyArray<StoredLetter>
): ReadonlyArray<StoredMail> => {
  const bySequence = new Map(letters.flatMap(mailIn).map((each) => [each.sequence, each]))
  for (const each of mail) bySequence.set(each.sequence, each)
  return [...bySequence.values()].toSorted((one, other) => one.sequence - other.sequence)
}

const mailIn = (stored: StoredLetter): ReadonlyArray<StoredMail> => {
  const { mail, original } = readLetter(stored)
  if (mail === undefined) return []
  if (typeof original !== "string") return [{ ...mail, payload: JSON.stringify(original) }]
  return original.length < LETTER_CHARACTERS ? [{ ...mail, payload: original }] : []
}

const allOf = <A extends { readonly sequence: number }>(
  read: (after: number) => Effect.Effect<ReadonlyArray<A>, ReadError>
): Effect.Effect<ReadonlyArray<A>, ReadError> =>
  Effect.gen(function* () {
    const found: Array<A> = []
    let page: ReadonlyArray<A>
    do {
      page = yield* read(found.at(-1)?.sequence ?? 0)
      for (const each of page) found.push(each)
    } while (page.length === PAGE)
    return found
  })

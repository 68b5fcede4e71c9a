import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { SubjectTrie } from "../../gateway/streams/trie.ts"
import { matches } from "../support/fake-log.ts"

// Few tokens and short subjects, so that random patterns meet random subjects often.
const token = fc.constantFrom("a", "b", "c")
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."))
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 3 }), fc.oneof(token, fc.constantFrom("*", ">")))
  .map(([tokens, last]) => [...tokens, last].join("."))
const entry = fc.record({ pattern, member: fc.integer({ min: 0, max: 3 }) })
const change = fc.record({ add: fc.boolean(), entry })

interface Entry {
  readonly pattern: string
  readonly member: number
}

const found = (trie: SubjectTrie<number>, subject: string): ReadonlyArray<number> => {
  const members: Array<number> = []
  trie.match(subject, (member) => members.push(member))
  return members.sort()
}

/** Makes the same changes to a trie and to a plain list. */
const both = (changes: ReadonlyArray<{ readonly add: boolean; readonly entry: Entry }>) => {
  const trie = new SubjectTrie<number>()
  const list = new Map<string, Entry>()
  for (const { add, entry } of changes) {
    const key = `${entry.pattern} ${entry.member}`
    if (add) assert.strictEqual(trie.add(entry.pattern, entry.member), !list.has(key))
    else assert.strictEqual(trie.remove(entry.pattern, entry.member), list.has(key))
    if (add) list.set(key, entry)
    else list.delete(key)
  }
  return { trie, entries: [...list.values()] }
}

describe("the subject trie", () => {
  it("finds what a plain matcher finds, once per pattern, whatever was added and removed", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.array(subject, { maxLength: 10 }), (changes, subjects) => {
        const { trie, entries } = both(changes)
        assert.strictEqual(trie.size, entries.length)
        for (const subject of subjects) {
          const expected = entries.filter((entry) => matches(entry.pattern, subject)).map((entry) => entry.member)
          assert.deepStrictEqual(found(trie, subject), expected.sort())
        }
      }),
      { numRuns: 500 }
    )
  })

  it("is an empty root again when everything was removed", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const { trie, entries } = both(changes)
        for (const entry of entries) assert.isTrue(trie.remove(entry.pattern, entry.member))
        assert.strictEqual(trie.size, 0)
        assert.isTrue(trie.pruned)
      })
    )
  })

  it("finds a covering pattern exactly when one pattern matches all that another does", () => {
    // Every subject of up to five tokens, of which `d` is in no pattern: enough to tell all these patterns apart.
    const tokens = ["a", "b", "c", "d"]
    const longer = (subjects: ReadonlyArray<string>) =>
      subjects.flatMap((subject) => tokens.map((token) => `${subject}.${token}`))
    const lengths = [tokens, longer(tokens), longer(longer(tokens)), longer(longer(longer(tokens)))]
    const subjects = [...lengths.flat(), ...longer(lengths[3]!)]
    const covers = (wide: string, narrow: string) =>
      subjects.every((subject) => !matches(narrow, subject) || matches(wide, subject))
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), pattern, (entries, narrow) => {
        const trie = new SubjectTrie<number>()
        for (const { pattern, member } of entries) trie.add(pattern, member)
        const wide = trie.cover(narrow)
        assert.strictEqual(
          wide !== undefined,
          entries.some((entry) => covers(entry.pattern, narrow))
        )
        if (wide !== undefined) {
          assert.isTrue(covers(wide, narrow))
          assert.isTrue(entries.some((entry) => entry.pattern === wide))
        }
      }),
      { numRuns: 200 }
    )
  })

  it("lets a visit remove what it visits", () => {
    const trie = new SubjectTrie<number>()
    for (const member of [1, 2, 3]) trie.add("a.*", member)
    const seen: Array<number> = []
    trie.match("a.b", (member) => {
      seen.push(member)
      trie.remove("a.*", member)
    })
    assert.deepStrictEqual(seen, [1, 2, 3])
    assert.isTrue(trie.pruned)
  })
})

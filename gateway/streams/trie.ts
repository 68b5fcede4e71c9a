/**
 * Subject patterns to those who want them, as a tree of tokens.
 *
 * Owns nothing but the tree. A member may be under many patterns, and is visited once for each that matches.
 * Nodes that hold nothing are removed at once, so that the tree is as large as what is in it and no larger.
 */
export class SubjectTrie<Member> {
  readonly #root: Node<Member> = emptyNode()
  #size = 0

  /** How many (pattern, member) pairs there are. */
  get size(): number {
    return this.#size
  }

  /** Adds a member under a valid pattern (see `patternFault`). False if it was there. */
  add(pattern: string, member: Member): boolean {
    const tokens = pattern.split(".")
    const last = tokens.at(-1) === ">" ? tokens.length - 1 : tokens.length
    let node = this.#root
    for (let depth = 0; depth < last; depth++) node = childToGrow(node, tokens[depth]!)
    const members = last < tokens.length ? node.rest : node.here
    if (members.has(member)) return false
    members.add(member)
    this.#size++
    return true
  }

  /** Removes a member from under a pattern. False if it was not there. */
  remove(pattern: string, member: Member): boolean {
    const removed = removeBelow(this.#root, pattern.split("."), 0, member)
    if (removed) this.#size--
    return removed
  }

  /** Visits the members of every pattern that matches a subject, in no promised order. A visit may add and remove. */
  match(subject: string, visit: (member: Member) => void): void {
    matchBelow(this.#root, subject.split("."), 0, visit)
  }

  /** A pattern in the tree that matches every subject which `pattern` matches, if there is one: the widest first. */
  cover(pattern: string): string | undefined {
    return coverPath(this.#root, pattern.split("."), 0, [])?.join(".")
  }

  /** True if no node is left but the root. */
  get pruned(): boolean {
    return isEmpty(this.#root)
  }
}

interface Node<Member> {
  /** Members of the pattern that ends here. */
  readonly here: Set<Member>
  /** Members of the pattern that goes on with `>`. */
  readonly rest: Set<Member>
  /** By the next token, of which `*` is one: no subject has it. */
  readonly children: Map<string, Node<Member>>
}

const emptyNode = <Member>(): Node<Member> => ({ here: new Set(), rest: new Set(), children: new Map() })

const isEmpty = <Member>(node: Node<Member>): boolean =>
  node.here.size === 0 && node.rest.size === 0 && node.children.size === 0

const childToGrow = <Member>(node: Node<Member>, token: string): Node<Member> => {
  let child = node.children.get(token)
  if (child === undefined) {
    child = emptyNode()
    node.children.set(token, child)
  }
  return child
}

const removeBelow = <Member>(
  node: Node<Member>,
  tokens: ReadonlyArray<string>,
  depth: number,
  member: Member
): boolean => {
  if (depth === tokens.length) return node.here.delete(member)
  const token = tokens[depth]!
  if (token === ">") return node.rest.delete(member)
  const child = node.children.get(token)
  if (child === undefined) return false
  const removed = removeBelow(child, tokens, depth + 1, member)
  if (isEmpty(child)) node.children.delete(token)
  return removed
}

const matchBelow = <Member>(
  node: Node<Member>,
  tokens: ReadonlyArray<string>,
  depth: number,
  visit: (member: Member) => void
): void => {
  if (depth === tokens.length) {
    for (const member of node.here) visit(member)
    return
  }
  for (const member of node.rest) visit(member)
  const any = node.children.get("*")
  if (any !== undefined) matchBelow(any, tokens, depth + 1, visit)
  const exact = node.children.get(tokens[depth]!)
  if (exact !== undefined && exact !== any) matchBelow(exact, tokens, depth + 1, visit)
}

const coverPath = <Member>(
  node: Node<Member>,
  tokens: ReadonlyArray<string>,
  depth: number,
  path: ReadonlyArray<string>
): ReadonlyArray<string> | undefined => {
  if (depth === tokens.length) return node.here.size > 0 ? path : undefined
  if (node.rest.size > 0) return [...path, ">"]
  const token = tokens[depth]!
  // `>` stands for one token or more, so only another `>` covers it.
  if (token === ">") return undefined
  const any = node.children.get("*")
  const wide = any && coverPath(any, tokens, depth + 1, [...path, "*"])
  if (wide !== undefined || token === "*") return wide
  const exact = node.children.get(token)
  return exact && coverPath(exact, tokens, depth + 1, [...path, token])
}

/** Whether subjects match one pattern, without a tree. */
export const matcherOf = (pattern: string): ((subject: string) => boolean) => {
  const wanted = pattern.split(".")
  const open = wanted.at(-1) === ">"
  const length = open ? wanted.length - 1 : wanted.length
  return (subject) => {
    const tokens = subject.split(".")
    if (open ? tokens.length <= length : tokens.length !== length) return false
    for (let index = 0; index < length; index++) {
      if (wanted[index] !== "*" && wanted[index] !== tokens[index]) return false
    }
    return true
  }
}

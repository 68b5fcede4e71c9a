/** Whether a subject is one that a pattern names: `*` stands for one token, `>` for all that follow, one at least. */
export const matches = (pattern: string, subject: string): boolean => {
  const wanted = pattern.split(".")
  const tokens = subject.split(".")
  for (const [index, want] of wanted.entries()) {
    const token = tokens[index]
    if (token === undefined) return false
    if (want === ">") return true
    if (want !== "*" && want !== token) return false
  }
  return wanted.length === tokens.length
}

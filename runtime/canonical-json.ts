/**
 * A value as the one JSON text that stands for it: members sorted by name (by UTF-16 code units), no spaces, numbers and
 * strings as ECMAScript writes them. That is the JSON Canonicalization Scheme, RFC 8785. Members that are undefined are left out;
 * of what is no JSON at all the text is empty.
 */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? ""
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`
}

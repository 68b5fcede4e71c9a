// What columns are called in the files of many programs and languages. A layout is known by these names.

/** What a column can hold. */
export const FIELDS = {
  date: [
    "date",
    "datum",
    "day",
    "tag",
    "handelstag",
    "trade date",
    "trading day",
    "fecha",
    "data",
    "datetime",
    "date time",
    "date/time",
    "timestamp",
    "zeitstempel",
    "gmt time",
    "local time",
    "utc",
    "open time",
    "opentime",
    "begins at",
    "start time",
    "start",
    "unix",
    "unix timestamp",
    "epoch",
    "window start",
    "t"
  ],
  clock: ["time", "zeit", "uhrzeit", "hora", "czas"],
  open: [
    "open",
    "o",
    "open price",
    "opening price",
    "eröffnung",
    "eroeffnung",
    "eröffnungskurs",
    "erster",
    "anfang",
    "ouverture",
    "ouv",
    "apertura",
    "otwarcie",
    "1. open"
  ],
  high: [
    "high",
    "h",
    "high price",
    "hoch",
    "höchst",
    "hoechst",
    "höchster",
    "höchstkurs",
    "hoechstkurs",
    "tageshoch",
    "haut",
    "plus haut",
    "+ haut",
    "alto",
    "máximo",
    "maximo",
    "massimo",
    "max",
    "najwyzszy",
    "2. high"
  ],
  low: [
    "low",
    "l",
    "low price",
    "tief",
    "tiefst",
    "tiefster",
    "tiefstkurs",
    "tagestief",
    "bas",
    "plus bas",
    "+ bas",
    "bajo",
    "mínimo",
    "minimo",
    "min",
    "najnizszy",
    "3. low"
  ],
  close: [
    "close",
    "c",
    "close/last",
    "close price",
    "closing price",
    "schluss",
    "schluß",
    "schlusskurs",
    "schlußkurs",
    "letzter",
    "clôture",
    "cloture",
    "clot",
    "dernier",
    "cierre",
    "último",
    "ultimo",
    "chiusura",
    "zamkniecie",
    "last",
    "last price",
    "zuletzt",
    "kurs",
    "price",
    "4. close"
  ],
  volume: [
    "volume",
    "v",
    "vol",
    "stück",
    "stücke",
    "stueck",
    "stuecke",
    "volumen",
    "volumina",
    "umsatz",
    "real volume",
    "shares traded",
    "total trade quantity",
    "wolumen",
    "5. volume",
    "6. volume"
  ],
  ticks: ["tickvol", "tick volume", "tickvolume", "ticks"],
  adjusted: ["adj close", "adjclose", "adjusted close", "close adjusted", "adj closing price", "5. adjusted close"],
  splits: ["stock splits", "split", "splits", "split coefficient", "split ratio", "8. split coefficient"],
  symbol: ["symbol", "ticker", "instrument", "symbole", "tic", "isin", "wkn"]
} as const satisfies Readonly<Record<string, ReadonlyArray<string>>>

export type Field = keyof typeof FIELDS

const known = new Map<string, { readonly field: Field; readonly rank: number }>()
for (const [field, names] of Object.entries(FIELDS)) {
  for (const [rank, name] of names.entries()) {
    if (isField(field) && !known.has(name)) known.set(name, { field, rank })
  }
}

function isField(text: string): text is Field {
  return text in FIELDS
}

/** A name without what programs put round it: `<CLOSE>`, `Close*`, `Vol.`, `adj_close`, `Open (USD)`. */
export const plainName = (cell: string): string =>
  cell
    .toLowerCase()
    .replace(/\s*[([].*$/, "")
    .replaceAll(/[<>"'*†]/g, "")
    .replaceAll(/[_\s]+/g, " ")
    .trim()
    .replace(/^(adj|vol|ouv|clot|höchst|tiefst)\./, "$1")

/** What markets are quoted in: a volume in one of them is turnover, and one in anything else is what was traded. */
const QUOTES = /^(volume|vol) (usd[tc]?|busd|fdusd|dai|eur[tc]?|gbp|chf|jpy|krw|try|brl|aud|cad|quote|turnover)$/

/**
 * What a column of this name holds, and how well the name says so: 0 is best. `Volume BTC` is a volume, as `volume` is; of several the
 * first of the best is taken.
 */
export const fieldOf = (cell: string): { readonly field: Field; readonly rank: number } | undefined => {
  const name = plainName(cell)
  const found = known.get(name)
  if (found !== undefined || !/^(volume|vol) [a-z0-9]{2,10}$/.test(name) || name === "volume ma") return found
  return { field: "volume", rank: QUOTES.test(name) ? 60 : 50 }
}

/** What stands in brackets behind a price's name, if it says in what the price is: `USD` of `Close (USD)`, `ADJ` of `Close [adj.]`. */
export const unitOfPrice = (cell: string): string | undefined => {
  const unit = /[([]\s*(adj\w*|[A-Z]{3,5}|[$€£¥₹₩₿])\.?\s*[)\]]/i.exec(cell)?.[1]
  return unit === undefined ? undefined : unit.toUpperCase().replace(/^ADJ.*$/, "ADJ")
}

/** What a volume is counted in: 1000 of `Volume (000s)`, 1 where the name says nothing. */
export const scaleOfVolume = (cell: string): number => {
  const unit = /[([]\s*(?:in\s+)?(.*?)\s*[)\]]/.exec(cell.toLowerCase())?.[1] ?? ""
  if (/^(x?\s?'?1?,?000'?s?|k|thousands?|tsd\.?)$/.test(unit)) return 1e3
  return /^(m|mio\.?|mln|millions?)$/.test(unit) ? 1e6 : 1
}

"""What programs are told of a merchant's rows by the JSON API: plain values, the same names for years. Reads only, each from the
actor's merchant. What they may do: the nouns' own verbs."""

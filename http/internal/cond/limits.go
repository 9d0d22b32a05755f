package cond

// DefaultMaxRanges is how many ranges a request may ask for where ParseRange is
// given no other number.
const DefaultMaxRanges = 16

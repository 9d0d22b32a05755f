package event

// MaxInPass is what the tests have to know to tell when the loop puts things
// off to its next iteration.
const MaxInPass = maxInPass

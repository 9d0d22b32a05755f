package evuri

// Limits of the zero values of [QueryParser] and [FormParser], whose fields
// MaxFields and MaxBytes change them.
const (
	// DefaultMaxQueryFields is how many fields a query, or fields and files a
	// form, may have.
	DefaultMaxQueryFields = 1000
	// DefaultMaxFormBytes is how many bytes a form may have.
	DefaultMaxFormBytes = 10 << 20
)

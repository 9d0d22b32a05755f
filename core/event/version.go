package event

// VersionName is the version of the libevent API that this package follows,
// and VersionCode the same as a number: a byte each for major, minor and patch
// level, and a zero byte (LIBEVENT_VERSION, LIBEVENT_VERSION_NUMBER).
const (
	VersionName = "2.2.0-go"
	VersionCode = 0x02020000
)

// Version returns VersionName (event_get_version).
func Version() string { return VersionName }

// VersionNumber returns VersionCode (event_get_version_number).
func VersionNumber() uint32 { return VersionCode }

package poller

// underWine reports whether Wine, and not Windows, runs the tests. What Wine
// cannot do is skipped.
func underWine() bool {
	return ntdll.NewProc("wine_get_version").Find() == nil
}

// Wine notices that a peer has shut down only when all data before that has
// been read. So the feature is withdrawn there, which skips the tests of the
// contract that need it; what does work is tested in wepoll_windows_test.go.
func init() {
	if underWine() {
		wepollMethod.Features &^= FeatureEarlyClose
	}
}

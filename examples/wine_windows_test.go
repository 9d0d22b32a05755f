package examples

import "golang.org/x/sys/windows"

func init() {
	wine := windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
	resetsAreSeen = !wine
}

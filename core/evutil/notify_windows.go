package evutil

import "golang.org/x/sys/windows"

func sysNotifyPipe() (r, w int, err error) {
	pair, err := connectLoopback()
	return pair[0], pair[1], err
}

func sysNotify(w int) error {
	one := byte(1)
	var sent uint32
	return windows.WSASend(windows.Handle(w), &windows.WSABuf{Len: 1, Buf: &one}, 1, &sent, 0, nil, nil)
}

func sysDrain(r int, buf []byte) (int, error) {
	var n, flags uint32
	b := windows.WSABuf{Len: uint32(len(buf)), Buf: &buf[0]}
	err := windows.WSARecv(windows.Handle(r), &b, 1, &n, &flags, nil, nil)
	return int(n), err
}

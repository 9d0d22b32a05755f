package sysio

// Socketpair makes two sockets that are connected to each other, non-blocking and
// close-on-exec. Windows has stream sockets alone, over the loopback interface.
func Socketpair(family, kind, proto int) ([2]int, error) {
	pair, err := retry(OpSocketpair, InvalidSocket, 0, func(s System, _ int) ([2]int, error) {
		if s != nil {
			return s.Socketpair(family, kind, proto)
		}
		return socketpair(family, kind, proto)
	})
	if err != nil {
		return noPair, err
	}
	return pair, nil
}

// noPair is what a failed call returns.
var noPair = [2]int{InvalidSocket, InvalidSocket}

// closePair closes both ends of a pair that is not going to be handed out.
func closePair(pair [2]int) {
	_ = CloseSocket(pair[0]) // the error that counts is why it is not
	_ = CloseSocket(pair[1]) // the same
}

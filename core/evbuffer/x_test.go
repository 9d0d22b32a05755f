package evbuffer

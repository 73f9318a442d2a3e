// Go's mime/multipart behind net/http, as a stream.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts, err := r.MultipartReader()
		if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		count, bytes := 0, int64(0)
		buffer := make([]byte, 64*1024)
		for {
			part, err := parts.NextPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				http.Error(w, err.Error(), 400)
				return
			}
			count++
			// Not io.Discard, which would bring a small buffer of its own.
			for {
				n, err := part.Read(buffer)
				bytes += int64(n)
				if err != nil {
					break
				}
			}
		}
		fmt.Fprintf(w, "%d %d", count, bytes)
	}))
}

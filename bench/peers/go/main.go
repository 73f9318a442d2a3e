// Go's net/http. On one core it uses one: GOMAXPROCS follows the affinity of the process.
//
//	peer-go PORT
package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

var big = bytes.Repeat([]byte("x"), 1<<20)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			text(w, []byte("Hello, world!"))
			return
		}
		body, _ := io.ReadAll(r.Body)
		text(w, body)
	})
	http.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) { text(w, big) })
	http.HandleFunc("/sleep10", func(w http.ResponseWriter, r *http.Request) { sleep(w, 10) })
	http.HandleFunc("/sleep100", func(w http.ResponseWriter, r *http.Request) { sleep(w, 100) })
	http.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		count, _ := io.Copy(io.Discard, r.Body)
		text(w, []byte(strconv.FormatInt(count, 10)))
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}

func text(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Server", "go")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

func sleep(w http.ResponseWriter, milliseconds int) {
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	text(w, []byte("Hello, world!"))
}

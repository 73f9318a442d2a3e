// Go's client, trailers included.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func expect(found, expected string) {
	if found != expected {
		fmt.Println(found, "is not", expected)
		os.Exit(1)
	}
}

func main() {
	base := os.Args[1]
	send := func(method, path string, body io.Reader) (*http.Response, string) {
		request, err := http.NewRequest(method, base+path, body)
		if err != nil {
			panic(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			panic(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			panic(err)
		}
		return answer, string(text)
	}
	for round := 0; round < 2; round++ {
		_, text := send("GET", "/text", nil)
		expect(text, "GET /text")
		answer, text := send("GET", "/stream", nil)
		expect(text, "one two three")
		expect(answer.Trailer.Get("X-Pieces"), "3")
		_, text = send("POST", "/echo", strings.NewReader(strings.Repeat("b", 300000)))
		expect(text, "POST 300000")
		_, text = send("PUT", "/echo", io.MultiReader(strings.NewReader("ab"), strings.NewReader("c")))
		expect(text, "PUT 3")
		_, text = send("GET", "/hints", nil)
		expect(text, "hinted")
		_, text = send("GET", "/long", nil)
		expect(fmt.Sprint(len(text)), "1000000")
	}
}

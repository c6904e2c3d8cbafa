// The contestant golang.org/x/oauth2: its ReuseTokenSource keeps the token, clientcredentials fetches it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Debian's package; it does not say so itself.
const version = "0.3.0"

type source func() (*oauth2.Token, error)

func main() {
	mode := word(1)
	switch mode {
	case "versions":
		show(map[string]any{"name": "Go x/oauth2", "version": version + " with " + runtime.Version()})
	case "once":
		call(keeping(context.Background()))
		fmt.Println("ok")
	case "cached":
		show(cached(keeping(context.Background()), number(2), number(3)))
	case "fetch":
		show(fetch(number(2), number(3)))
	case "cold":
		show(cold(keeping(context.Background()), number(2)))
	default:
		fmt.Println("no such mode")
		os.Exit(3)
	}
}

// The environment tells where the server is; the roots are those of SSL_CERT_FILE.
func config() *clientcredentials.Config {
	return &clientcredentials.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		TokenURL:     os.Getenv("TOKEN_ENDPOINT"),
		Scopes:       []string{os.Getenv("SCOPE")},
		AuthStyle:    oauth2.AuthStyleInHeader,
	}
}

func keeping(context context.Context) source {
	return config().TokenSource(context).Token
}

func call(source source) {
	token, err := source()
	if err != nil || token.AccessToken == "" {
		fmt.Fprintln(os.Stderr, "no token:", err)
		os.Exit(1)
	}
}

func cached(source source, count, threads int) map[string]any {
	together(threads, func() { repeat(source, count/10+1) })
	worked := cpu()
	wall := together(threads, func() { repeat(source, count) })
	calls := count * threads
	return map[string]any{"ns": float64(wall.Nanoseconds()) / float64(count), "cpu_ns": float64(cpu()-worked) / float64(calls), "calls": calls}
}

func fetch(count, atOnce int) map[string]any {
	// As many kept connections as are used: net/http keeps two of a host.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = atOnce
	context := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: transport})
	its := config()
	source := func() (*oauth2.Token, error) { return its.Token(context) }
	each := func(total int) func() { return func() { repeat(source, (total+atOnce-1)/atOnce) } }
	together(atOnce, each(count/10))
	worked := cpu()
	wall := together(atOnce, each(count))
	made := float64((count + atOnce - 1) / atOnce * atOnce)
	return map[string]any{"cpu_us": float64(cpu()-worked) / made / 1e3, "wall_us": float64(wall.Microseconds()) / made}
}

func cold(source source, callers int) map[string]any {
	began := time.Now()
	var last atomic.Int64
	wall := together(callers, func() {
		last.Store(int64(time.Since(began)))
		call(source)
	})
	return map[string]any{"wall_ms": float64(wall) / 1e6, "last_ms": float64(last.Load()) / 1e6, "callers": "goroutines"}
}

func repeat(source source, count int) {
	for n := 0; n < count; n++ {
		call(source)
	}
}

// Does the work in so many goroutines at once, and says how long all took.
func together(count int, work func()) time.Duration {
	var all sync.WaitGroup
	began := time.Now()
	for n := 0; n < count; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			work()
		}()
	}
	all.Wait()
	return time.Since(began)
}

// What this process has worked, in nanoseconds; the kernel gives microseconds.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func word(place int) string {
	if place < len(os.Args) {
		return os.Args[place]
	}
	return ""
}

func number(place int) int {
	given, err := strconv.Atoi(word(place))
	if err != nil || given < 1 {
		return 1
	}
	return given
}

func show(answer map[string]any) {
	line, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

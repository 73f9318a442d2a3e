//! The client: bodies, and servers to send them to.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

const BOUNDARY: &str = "----WebKitFormBoundaryX3bY6PBMcxB1vCan";

/// A body to be sent: what stands in front, what is repeated, and what stands behind.
pub(crate) struct Load {
    pub(crate) name: String,
    pub(crate) bytes: usize,
    parts: usize,
    front: Vec<u8>,
    unit: Vec<u8>,
    repeat: usize,
}

fn head(name: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
}

/// Bytes of all kinds, as of a compressed file.
fn noise(len: usize) -> Vec<u8> {
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let byte = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 32) as u8
    };
    std::iter::repeat_with(byte).take(len).collect()
}

impl Load {
    pub(crate) fn one_part(bytes: usize) -> Load {
        let name = format!("{} MiB in one part", bytes >> 20);
        let unit = noise(1 << 20);
        Load { name, bytes, parts: 1, front: head("file").into(), repeat: bytes / unit.len(), unit }
    }

    pub(crate) fn many_parts(bytes: usize, size: usize) -> Load {
        let parts = bytes / size;
        let name = format!("{} MiB in {parts} parts of {size} bytes", bytes >> 20);
        // A thousand parts at a time, or the sender would be measured.
        let batch = parts.min(1024);
        let data = noise(size);
        let unit = (0..batch).flat_map(|at| {
            let head = head(&format!("field{at}"));
            [head.as_bytes(), &data, b"\r\n"].concat()
        });
        Load { name, bytes, parts, front: Vec::new(), unit: unit.collect(), repeat: parts / batch }
    }

    fn length(&self) -> usize {
        self.front.len() + self.unit.len() * self.repeat + self.end().len()
    }

    fn end(&self) -> String {
        format!("\r\n--{BOUNDARY}--\r\n")
    }
}

/// A peer at work in a process of its own; it is killed by its own id when this is dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub(crate) fn start(name: &'static str) -> io::Result<Server> {
        let own = env::current_exe()?;
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/");
        let python = env::var("PYTHON").unwrap_or("python3".into());
        let mut words: Vec<String> = vec!["taskset".into(), "-c".into(), "0".into()];
        words.extend(match name {
            "go" => vec![build_go(folder)?],
            "python-cgi" => {
                vec![python, "-W".into(), "ignore".into(), format!("{folder}cgi_form.py")]
            }
            "python-multipart" => vec![python, format!("{folder}multipart_form.py")],
            _ => vec![own.to_string_lossy().into_owned(), "serve".into(), name.into()],
        });
        let mut child = Command::new(&words[0]).args(&words[1..]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut server = Server { name, child, port: 0 };
        server.port =
            line.trim().parse().map_err(|_| io::Error::other(format!("it says {line:?}")))?;
        Ok(server)
    }

    /// Sends the load; how long the answer took, and what the peer has spent of its processor.
    pub(crate) fn upload(&self, load: &Load) -> io::Result<(Duration, Duration)> {
        let before = self.cpu()?;
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let length = load.length();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n"
        );
        let start = Instant::now();
        stream.write_all(head.as_bytes())?;
        stream.write_all(&load.front)?;
        for _ in 0..load.repeat {
            stream.write_all(&load.unit)?;
        }
        stream.write_all(load.end().as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let wall = start.elapsed();
        let expected = match self.name {
            "read" => format!("0 {length}"),
            _ => format!("{} {}", load.parts, load.bytes),
        };
        // In a body of many parts, the last has the line end that stands in front of the end.
        let also = format!("{} {}", load.parts, load.bytes + 2);
        if ![expected.as_str(), &also].iter().any(|text| answer.trim_end().ends_with(text)) {
            // It took part all the same: what it did took its time.
            let told = answer.lines().last().unwrap_or_default();
            eprintln!("{} counts {told:?}, not {expected:?}", self.name);
        }
        Ok((wall, self.cpu()?.saturating_sub(before)))
    }

    /// What its threads have spent of their processors, to the nanosecond.
    fn cpu(&self) -> io::Result<Duration> {
        let mut spent = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let line = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            spent += line.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(spent))
    }

    fn status(&self, field: &str) -> io::Result<usize> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| io::Error::other(format!("no {field}")))
    }

    /// The most memory it ever had.
    pub(crate) fn peak_kib(&self) -> io::Result<usize> {
        self.status("VmHWM:")
    }

    pub(crate) fn threads(&self) -> io::Result<usize> {
        self.status("Threads:")
    }

    /// Sends half a form each on so many connections, and waits for the answers to them.
    pub(crate) fn send_halves(
        &self,
        count: usize,
        when_sent: impl FnOnce(),
    ) -> io::Result<(BTreeMap<String, usize>, Duration)> {
        let front = head("file");
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\
             Content-Length: 5000\r\n\r\n{front}half of it"
        );
        let start = Instant::now();
        let mut streams = Vec::new();
        for _ in 0..count {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.write_all(request.as_bytes())?;
            streams.push(stream);
        }
        // A whole form is answered meanwhile.
        let (wall, _) = self.upload(&Load::many_parts(1 << 10, 1024))?;
        println!("sent after {:?}; another form took {wall:?}", start.elapsed());
        when_sent();
        let mut answers = BTreeMap::new();
        for mut stream in streams {
            stream.set_read_timeout(Some(Duration::from_secs(120)))?;
            let mut answer = String::new();
            let line = match stream.read_to_string(&mut answer) {
                Ok(_) => answer.lines().next().unwrap_or("nothing").to_owned(),
                Err(error) => error.to_string(),
            };
            *answers.entry(line).or_insert(0) += 1;
        }
        Ok((answers, start.elapsed()))
    }
}

fn build_go(folder: &str) -> io::Result<String> {
    let program = env::temp_dir().join(format!("basehttp-bench-go-{}", std::process::id()));
    let program = program.to_string_lossy().into_owned();
    let built = Command::new("go")
        .args(["build", "-o", &program])
        .arg(format!("{folder}go_form.go"))
        .status()?;
    if built.success() { Ok(program) } else { Err(io::Error::other("go does not build it")) }
}

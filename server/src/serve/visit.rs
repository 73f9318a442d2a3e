//! A client's visit: its session, and what is needed to have its requests answered outside of the
//! loop that it belongs to.

use std::time::{Duration, Instant, SystemTime};

use crate::config::Config;
use crate::handler::HandlerHooks;
use crate::http::date::Stamp;
use crate::http::head::HeadLimits;
use crate::http::lenient::Leniency;
use crate::net::poller::Token;
use crate::peer::ServerInfo;
use crate::serve::baton::Lent;
use crate::serve::session::{Allowance, Call, Next, Service, Session};
use crate::serve::slow::Kind;

/// A session and where it belongs. It always lives in a box, since it moves from hand to hand.
pub(crate) struct Visit {
    pub(crate) session: Session,
    pub(crate) token: Token,
    /// Which of the server's loops it belongs to.
    pub(crate) home: usize,
    /// When its loop looks whether it is late. While that lies ahead, the wheel has an entry for it,
    /// and it is no later than its deadline, nor than that of one who began to idle when it was set.
    pub(crate) look_at: Instant,
    /// What is to be done with it. Once that has been answered, only [`Next::Close`] still counts:
    /// its loop finds out the rest.
    pub(crate) next: Next,
    /// When it last left its loop; all below is said of the time since.
    pub(crate) since: Instant,
    /// How many of its requests may be answered before it goes home.
    pub(crate) allowance: Allowance,
    /// What took so long that the loop went on without this visit.
    pub(crate) overran: Option<Kind>,
}

/// What a server serves with.
#[derive(Clone, Copy)]
pub(crate) struct Serving<'a> {
    pub(crate) handler: &'a HandlerHooks<'a>,
    pub(crate) server: &'a ServerInfo,
    pub(crate) config: &'a Config,
    /// What `config` says of heads.
    pub(crate) limits: &'a HeadLimits,
}

impl<'a> Service<'a> {
    fn new(serving: Serving<'a>, stamp: &'a Stamp, lent: Option<Lent<'a>>) -> Service<'a> {
        let Serving { handler, server, config, .. } = serving;
        Service { handler, server, config, stamp, lent }
    }
}

/// What a thread keeps to answer with.
pub(crate) struct Desk {
    stamp: Stamp,
}

impl Desk {
    pub(crate) fn new(version: &str) -> Desk {
        Desk { stamp: Stamp::new(version) }
    }
}

impl Visit {
    pub(crate) fn new(session: Session, token: Token, home: usize, now: Instant) -> Box<Visit> {
        Box::new(Visit {
            session,
            token,
            home,
            look_at: now,
            next: Next::Wait,
            since: now,
            allowance: Allowance::default(),
            overran: None,
        })
    }

    /// Has its requests answered, one after the other, for as long as there are any at hand, its
    /// allowance is not used up, and the loop, if it is `lent`, can be had back. Nothing is sent or
    /// received.
    #[inline(always)] // on the way of each request
    pub(crate) fn answer(&mut self, desk: &mut Desk, serving: Serving<'_>, lent: Option<Lent<'_>>) {
        let Next::Answer(mut call) = self.next else { return };
        desk.stamp.refresh(self.since, SystemTime::now);
        let service = Service::new(serving, &desk.stamp, lent);
        loop {
            self.overran = self.session.answer(call, &service, &mut self.allowance);
            let may_go_on = self.allowance.limit > 0 && self.overran.is_none();
            if !(may_go_on && self.session.has_next(serving.limits)) {
                return;
            }
            call = Call::Request;
        }
    }

    /// Sends what is owed to the client, as far as it takes that now; false if it is gone, and
    /// nothing is left but to close.
    pub(crate) fn send_owed(&mut self) -> bool {
        let is_gone = matches!(self.session.send(), Some(Next::Close));
        if is_gone {
            self.next = Next::Close;
        }
        !is_gone
    }

    /// Has one request answered that is known to take long. How long it took; `None` if there is
    /// nobody any more to answer.
    pub(crate) fn answer_slowly(
        &mut self,
        desk: &mut Desk,
        serving: Serving<'_>,
    ) -> Option<Duration> {
        let Next::Answer(call) = self.next else { return None };
        // It may have waited long for this thread.
        if !self.send_owed() {
            return None;
        }
        let start = Instant::now();
        desk.stamp.refresh(start, SystemTime::now);
        // What repeats it may take as long: it goes home in between.
        self.allowance.limit = 1;
        let service = Service::new(serving, &desk.stamp, None);
        self.overran = self.session.answer(call, &service, &mut self.allowance);
        let took = start.elapsed();
        self.send_owed();
        Some(took)
    }

    /// Whether a method is to answer, and not the server.
    pub(crate) fn is_for_handler(&self) -> bool {
        matches!(self.next, Next::Answer(Call::Request))
    }

    /// What kind of request is to be answered; `None` if no method is to answer it.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.is_for_handler().then(|| self.session.kind())
    }
}

/// How much of a head `config` bears: made once, since each request is held to it.
pub(crate) fn head_limits(config: &Config) -> HeadLimits {
    HeadLimits {
        head_bytes: config.max_head_bytes,
        target_bytes: config.max_target_bytes,
        fields: config.max_header_fields,
        leniency: Leniency {
            bare_lf: config.allow_bare_lf,
            blanks: config.allow_blanks,
            empty_lines: config.allow_empty_lines,
            folded_fields: config.allow_folded_fields,
            http_09: config.allow_http_09,
            missing_host: config.allow_missing_host,
        },
        body_bytes: config.max_body_bytes,
    }
}

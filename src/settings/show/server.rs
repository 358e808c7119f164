use super::{
    super::{
        Auth, Server, Token, User,
        raw::{self, NamedToken},
    },
    MASK,
};

pub(super) fn written(server: &Server) -> raw::Server {
    let Server { bind, auth, hosts, proxies, cors } = server;
    let (auth, tokens, users) = match auth {
        Auth::Open if bind.ip().is_loopback() => (None, None, Vec::new()),
        Auth::Open => (Some("none".to_owned()), None, Vec::new()),
        Auth::Known { tokens, users } => {
            let tokens = (!tokens.is_empty()).then(|| tokens.iter().map(token).collect());
            (None, tokens, users.iter().map(user).collect())
        }
    };
    raw::Server {
        bind: bind.to_string(),
        auth,
        tokens_file: None,
        cors: cors.iter().map(ToString::to_string).collect(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        proxies: proxies.iter().map(ToString::to_string).collect(),
        tokens,
        users,
    }
}

fn token(Token { name, role, token: _ }: &Token) -> raw::Token {
    raw::Token::Named(NamedToken {
        name: Some(name.to_string()),
        role: Some(role.as_str().to_owned()),
        token: Some(MASK.to_owned()),
        token_file: None,
    })
}

fn user(User { name, role, password_hash: _ }: &User) -> raw::User {
    raw::User {
        name: Some(name.to_string()),
        role: Some(role.as_str().to_owned()),
        password_hash: Some(MASK.to_owned()),
    }
}

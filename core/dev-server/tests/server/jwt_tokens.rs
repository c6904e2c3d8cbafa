//! Access tokens that are signed JWTs.

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::client::{GRANT, Realm, get, post, split_url, start};
use crate::jwt::{claims, decode, thumbprint};

fn header(jwt: &str) -> Value {
    serde_json::from_slice(&decode(jwt.split('.').next().unwrap())).unwrap()
}

fn ask(realm: &Realm<'_>, extra: &str) -> Value {
    let request = post(realm.path(), &realm.basic(), &format!("{GRANT}{extra}"));
    let answer = realm.wire().ask(&request);
    assert_eq!(answer.status, 200);
    answer.json()
}

#[test]
fn the_token_is_signed_by_the_key_in_the_metadata() {
    let server = start();
    let realm = Realm::new(&server, json!({"access_token_format": "jwt", "expires_in": 600}));
    let metadata = format!("/.well-known/oauth-authorization-server/r/{}", realm.name);
    let metadata = realm.wire().ask(&get(&metadata)).json();
    assert_eq!(metadata["jwks_uri"], realm.vars["jwks_uri"]);
    let keys = realm.wire().ask(&get(split_url(realm.var("jwks_uri")).1)).json();
    assert_eq!(realm.wire().ask(&post(split_url(realm.var("jwks_uri")).1, "", "")).status, 405);
    let jwk = &keys["keys"][0];
    assert_eq!((&jwk["alg"], &jwk["use"]), (&json!("ES256"), &json!("sig")));
    assert_eq!(jwk["kid"], thumbprint(jwk));

    let answer = ask(&realm, "&scope=a%20b&resource=https://one.example&resource=https://two.example");
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(header(token), json!({"alg": "ES256", "typ": "at+jwt", "kid": jwk["kid"]}));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let point = [vec![4], decode(jwk["x"].as_str().unwrap()), decode(jwk["y"].as_str().unwrap())].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(signed.as_bytes(), &decode(signature)).unwrap();

    let found = claims(token);
    assert_eq!(found["iss"], realm.vars["issuer"]);
    assert_eq!(found["sub"], realm.vars["client_id"]);
    assert_eq!(found["client_id"], realm.vars["client_id"]);
    assert_eq!(found["aud"], json!(["https://one.example", "https://two.example"]));
    assert_eq!(found["scope"], "a b");
    assert_eq!(found["exp"].as_u64().unwrap() - found["iat"].as_u64().unwrap(), 600);
    assert!(found["jti"].is_string());
    assert_eq!(realm.report()["issued"], json!([token]));
    let introspected = realm.introspect(token);
    assert_eq!((&introspected["active"], &introspected["exp"]), (&json!(true), &found["exp"]));
    assert_eq!(introspected["aud"], found["aud"]);
}

#[test]
fn the_script_has_the_last_word() {
    let server = start();
    let script = json!([{"issue": {"expires_in": 20}}, {"issue": {"access_token": "fixed"}}]);
    let realm = Realm::new(&server, json!({"access_token_format": "jwt", "script": script}));
    let found = claims(ask(&realm, "")["access_token"].as_str().unwrap());
    assert_eq!(found["exp"].as_u64().unwrap() - found["iat"].as_u64().unwrap(), 20);
    assert_eq!(found["aud"], realm.vars["resource"]);
    assert_eq!(ask(&realm, "")["access_token"], "fixed");
    assert_eq!(realm.introspect("fixed")["active"], true);
}
